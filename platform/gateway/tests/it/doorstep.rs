//! Real connections to a gateway on a real socket: clients that behave oddly, services that answer early.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, post};
use bongsu_host::config::Config;
use bongsu_host::health::Health;
use bongsu_host::host::Host;
use bongsu_host::idempotency::IdempotencyKey;
use bongsu_host::json::Json;
use bongsu_host::principal::Principal;
use bongsu_host::stop::Stop;
use bongsu_host::{TokioEnv, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::street::{Act, Street};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// More than sockets buffer on the way.
const LARGE: usize = 200 << 10;
/// Enough to meet a race that is lost in one of twenty.
const OFTEN: usize = 150;

/// What came back: a status and the rest.
struct Got {
    status: u16,
    text: String,
}

/// Sends everything before it reads anything, as simple clients do.
async fn exchange(address: SocketAddr, pieces: &[&[u8]]) -> Got {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for piece in pieces {
        // The answer may be there before all is sent.
        let _ = stream.write_all(piece).await;
    }
    finish(stream).await
}

async fn finish(mut stream: TcpStream) -> Got {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the gateway closes");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    Got { status: status.unwrap_or_else(|| panic!("no answer but {read:?}: {text:?}")), text }
}

fn head(method: &str, path: &str, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n{more}\r\n"
    )
}

/// A large body: announced, or in chunks.
fn large(chunked: bool) -> (String, Vec<u8>) {
    let body = vec![b' '; LARGE];
    if !chunked {
        return (format!("content-length: {LARGE}\r\n"), body);
    }
    let chunks =
        body.chunks(16 << 10).map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    ("transfer-encoding: chunked\r\n".into(), chunks.chain([b"0\r\n\r\n".to_vec()]).collect::<Vec<_>>().concat())
}

/// A service in the host, which refuses before it reads a body, in every way there is.
async fn refusing(street: &mut Street) -> SocketAddr {
    let mut config = Config::defaults("door");
    config.limits.body_bytes = 1 << 20;
    let health = Health::always();
    let routes = Router::new()
        .route("/keyed", post(async |_: IdempotencyKey, _: Json<Vec<u8>>| "never"))
        .route("/posted", post(async || "read nothing"))
        .route("/mine", post(async |_: Principal, _: Json<Vec<u8>>| "never"))
        .route("/often", any(async || StatusCode::TOO_MANY_REQUESTS))
        .route("/busy", any(async || StatusCode::SERVICE_UNAVAILABLE));
    let app = Host::new(&config, Arc::new(TokioEnv::new(None).unwrap()), health.clone()).app(routes);
    let bound = server::bind(config.listen).await.unwrap();
    let address = bound.addr();
    street.beside(async move { bound.serve(app, &config, &health, &Stop::new()).await });
    address
}

/// A service of somebody else's: it answers when it has the head and closes with bytes unread, so that the machine
/// resets the connection.
async fn rude(street: &mut Street) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    street.beside(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut read, mut bytes) = (Vec::<u8>::new(), [0; 4096]);
            while !read.windows(4).any(|four| four == b"\r\n\r\n") {
                match stream.read(&mut bytes).await {
                    Ok(length) if length > 0 => read.extend(&bytes[..length]),
                    _ => break,
                }
            }
            // Who closes without saying so races with the next request on that connection, which nobody can help.
            let _ =
                stream.write_all(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno").await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_before_the_body_was_read_is_what_the_client_gets_always() {
    let mut street = Street::without_breakers();
    let upstream = refusing(&mut street).await;
    street.route_to(vec![upstream]);
    let gateway = street.open().await;
    let refusals = [
        ("POST", "/keyed", 400),
        ("POST", "/nowhere", 404),
        ("PUT", "/posted", 405),
        ("POST", "/often", 429),
        ("POST", "/busy", 503),
        ("POST", "/posted", 200),
    ];
    for (method, path, status) in refusals {
        for chunked in [false, true] {
            let (more, body) = large(chunked);
            for time in 0..OFTEN / 3 {
                let got = exchange(gateway, &[head(method, path, &more).as_bytes(), &body]).await;
                assert_eq!(got.status, status, "{method} {path}, chunked: {chunked}, time {time}: {}", got.text);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_of_a_service_that_closes_without_reading_is_heard_all_the_same() {
    let mut street = Street::new(|standard| standard);
    let upstream = rude(&mut street).await;
    street.route_to(vec![upstream]);
    let gateway = street.open().await;
    for chunked in [false, true] {
        let (more, body) = large(chunked);
        for time in 0..OFTEN {
            let got = exchange(gateway, &[head("POST", "/x", &more).as_bytes(), &body]).await;
            assert_eq!((got.status, got.text.ends_with("no")), (404, true), "time {time}: {}", got.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_host_refuses_itself_arrives_however_large_the_body_is() {
    let mut street = Street::new(|standard| standard);
    let service = refusing(&mut street).await;
    let huge = vec![b' '; 4 << 20];
    for _ in 0..OFTEN / 3 {
        let more = format!("content-length: {}\r\n", huge.len());
        let got = exchange(service, &[head("POST", "/posted", &more).as_bytes(), &huge]).await;
        assert_eq!(got.status, 413, "{}", got.text);
        let head = head("POST", "/mine", "content-length: 100000\r\n");
        assert_eq!(exchange(service, &[head.as_bytes(), &huge[..100_000]]).await.status, 401);
    }
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_without_being_told_to_send() {
    let mut street = Street::new(|standard| standard);
    let service = refusing(&mut street).await;
    let head = format!(
        "POST /keyed HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {LARGE}\r\nexpect: 100-continue\r\n\r\n"
    );
    let got = exchange(service, &[head.as_bytes()]).await;
    assert_eq!(got.status, 400, "{}", got.text);
    assert!(got.text.contains("connection: close") && !got.text.contains("100 Continue"), "{}", got.text);
    // With a key it is told to go on, and what it then sends is read.
    let keyed = head.replace("expect", "idempotency-key: 1\r\nconnection: close\r\nexpect");
    let mut stream = TcpStream::connect(service).await.unwrap();
    stream.write_all(keyed.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    timeout(PATIENCE, stream.read_exact(&mut told)).await.expect("it is told").unwrap();
    assert_eq!(&told[..], b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&vec![b' '; LARGE]).await.unwrap();
    assert_eq!(finish(stream).await.status, 400);
}

/// Two echoing instances that odd clients met, and a third that is new: whoever was taken out is not asked.
async fn still_asked(street: &mut Street, met: [SocketAddr; 2]) -> bool {
    let (new, served) = street.upstream().await;
    street.route_to(vec![met[0], met[1], new]);
    for _ in 0..12 {
        assert_eq!(street.ask("POST", &[], "hello").await.status, StatusCode::OK);
    }
    served.load(std::sync::atomic::Ordering::SeqCst) <= 6
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_or_sends_nonsense_takes_no_instance_out() {
    let mut street = Street::new(|standard| standard);
    let met = [street.upstream().await.0, street.upstream().await.0];
    street.route_to(met.to_vec());
    let gateway = street.open().await;
    for _ in 0..30 {
        let mut stream = TcpStream::connect(gateway).await.unwrap();
        stream.write_all(head("POST", "/x", "content-length: 1000\r\n").as_bytes()).await.unwrap();
        stream.write_all(b"{\"half\":").await.unwrap();
        stream.shutdown().await.unwrap();
        let got = finish(stream).await;
        assert_eq!(got.status, 400, "{}", got.text);
        assert!(got.text.contains("/errors/bad-request"), "{}", got.text);
    }
    for nonsense in ["zz\r\nhello\r\n", "5\r\nhelloo\r\n", "ffffffffffffffffff\r\n", "-1\r\n\r\n", "5;\u{0}\r\nhel"] {
        for _ in 0..6 {
            let head = head("POST", "/x", "transfer-encoding: chunked\r\n");
            let mut stream = TcpStream::connect(gateway).await.unwrap();
            let _ = stream.write_all(&[head.as_bytes(), nonsense.as_bytes()].concat()).await;
            let _ = stream.shutdown().await;
            let got = finish(stream).await;
            assert_eq!(got.status, 400, "{nonsense:?}: {}", got.text);
        }
    }
    assert!(still_asked(&mut street, met).await, "a healthy instance was taken out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_slower_than_the_deadline_gets_408_and_takes_no_instance_out() {
    let mut street = Street::impatient(300);
    let met = [street.upstream().await.0, street.upstream().await.0];
    street.route_to(met.to_vec());
    let gateway = street.open().await;
    for more in ["content-length: 1000\r\n", "transfer-encoding: chunked\r\n"] {
        let slow =
            (0..10).map(async |_| exchange(gateway, &[head("POST", "/x", more).as_bytes(), b"1\r\n \r\n"]).await);
        for got in futures::future::join_all(slow).await {
            assert_eq!(got.status, 408, "{more}: {}", got.text);
            assert!(got.text.contains("/errors/request-timeout"), "{}", got.text);
        }
    }
    assert!(still_asked(&mut street, met).await, "a healthy instance was taken out");
}

#[tokio::test]
async fn head_says_no_length_where_nobody_knows_one() {
    let mut street = Street::new(|standard| standard);
    let stream = Act::Say("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n");
    let known = Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\n");
    let gateway = street.open().await;
    for (act, length) in [(stream, None), (known, Some("content-length: 7\r\n"))] {
        let (upstream, _) = street.raw(Vec::leak(vec![act])).await;
        street.route_to(vec![upstream]);
        let got = exchange(gateway, &[head("HEAD", "/x", "").as_bytes()]).await;
        assert_eq!(got.status, 200, "{}", got.text);
        let said = got.text.split_inclusive("\r\n").find(|line| line.starts_with("content-length"));
        assert_eq!(said, length, "{}", got.text);
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused_at_the_gateway_with_a_problem() {
    let mut street = Street::new(|standard| standard);
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![upstream]);
    let gateway = street.open().await;
    let lines = "x-a: 1\r\n".repeat(101);
    let many = "x-a: 1\r\n".repeat(1_000);
    let long = format!("/{}", "a".repeat(9_000));
    for (method, path, more, status) in [
        ("GET", "/x", "host: other\r\n", 400),
        ("GET", "/health/live", "host: other\r\n", 400),
        ("GET", "/x", lines.as_str(), 431),
        ("GET", "/x", many.as_str(), 431),
        ("GET", long.as_str(), "", 414),
        ("GET", "/%zz", "", 400),
        ("GET", "/x?a=%ff", "", 400),
        ("G\u{1}T", "/x", "", 400),
        ("GET", "/x", "no colon\r\n", 400),
        ("POST", "/x", "content-length: 1\r\ncontent-length: 2\r\n", 400),
        ("POST", "/x", "transfer-encoding: gzip\r\n", 400),
    ] {
        let got = exchange(gateway, &[head(method, path, more).as_bytes()]).await;
        assert_eq!(got.status, status, "{method} {path:.20} {more:.20}: {}", got.text);
        assert!(got.text.contains("content-type: application/problem+json\r\n"), "{}", got.text);
    }
    assert_eq!(served.load(std::sync::atomic::Ordering::SeqCst), 0);
    let asked = |host: &str| format!("GET /health/live HTTP/1.1\r\n{host}connection: close\r\n\r\n");
    for (host, status) in [("host: localhost\r\n", 200), ("host: evil.example\r\n", 421), ("", 400)] {
        assert_eq!(exchange(gateway, &[asked(host).as_bytes()]).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn a_hundred_header_lines_come_through_to_the_service() {
    let mut street = Street::new(|standard| standard);
    let upstream = refusing(&mut street).await;
    street.route_to(vec![upstream]);
    let gateway = street.open().await;
    // Three lines are those of every request here.
    let lines = "x-a: 1\r\n".repeat(97);
    let got = exchange(gateway, &[head("GET", "/nowhere", &lines).as_bytes()]).await;
    assert_eq!(got.status, 404, "{}", got.text);
}
