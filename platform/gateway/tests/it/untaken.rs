//! Whoever asks and takes nothing, and whoever wants more streams than one may: they hold up nobody else.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bongsu_host::config::Config;
use bongsu_host::stop::Stop;
use futures::{StreamExt as _, future, stream};
use gateway::Settings;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::shaping::serving;
use crate::street::Street;
use crate::tls::{Made, ask, request};

const SOON: Duration = Duration::from_secs(5);
/// So long nobody takes anything.
const PATIENCE_MS: u64 = 400;
/// Requests at once.
const PLACES: usize = 8;
/// More than every buffer between the two takes.
const LARGE: usize = 64 << 20;

fn config() -> Config {
    let mut config = Config::defaults("gateway");
    config.limits.send_timeout_ms = PATIENCE_MS;
    config.limits.concurrency = PLACES;
    config
}

async fn events() -> Response {
    let tick = stream::unfold((), async |()| {
        sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b"data: 1\n\n")), ()))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(tick)).into_response()
}

async fn street(settings: Settings) -> Street {
    let mut street = Street::set(Settings { breaker: None, ..settings }.limited_as(&config()));
    let large =
        async || Body::from_stream(stream::iter(vec![Ok::<_, Infallible>(Bytes::from(vec![7; 1 << 16])); LARGE >> 16]));
    let routes = Router::new().route("/large", get(large)).route("/events", get(events)).fallback(async || "small");
    serving(&mut street, routes).await;
    street
}

/// A connection of HTTP/2 that opens a window of that size and no other.
async fn with_window(made: &Made, at: SocketAddr, bytes: u32, tasks: &mut JoinSet<()>) -> http2::SendRequest<Body> {
    let stream = made.connect(at, &[b"h2"]).await.unwrap();
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = http2.initial_stream_window_size(bytes).handshake(TokioIo::new(stream)).await.unwrap();
    tasks.spawn(async move { drop(connection.await) });
    sender
}

fn get_of(path: &str) -> Request<Body> {
    request(Version::HTTP_2, "GET", path, &[])
}

/// Sends so many requests at once; what came of each.
async fn all(sender: &http2::SendRequest<Body>, path: &str, count: usize) -> Vec<http::Response<Incoming>> {
    let one = |mut sender: http2::SendRequest<Body>| async move {
        sender.ready().await.unwrap();
        sender.send_request(get_of(path)).await.unwrap()
    };
    future::join_all((0..count).map(|_| one(sender.clone()))).await
}

#[tokio::test]
async fn whoever_opens_no_window_holds_no_place_for_longer_than_the_clock_lets_him() {
    let mut street = street(Settings::default()).await;
    let (made, certificate) = Made::new();
    let at = street.open_tls_by(certificate, config()).await;
    let mut tasks = JoinSet::new();
    for path in ["/x", "/large", "/events"] {
        let sender = with_window(&made, at, 0, &mut tasks).await;
        let began = Instant::now();
        let held = all(&sender, path, PLACES).await;
        let is_stream = path == "/events";
        assert!(held.iter().all(|answer| answer.status() == StatusCode::OK), "{path}: {held:?}");
        // Streams have places of their own.
        let refused = ask(&made, at, Version::HTTP_2, get_of("/x")).await;
        assert_eq!(refused.status == StatusCode::SERVICE_UNAVAILABLE, !is_stream, "{path}: {}", refused.body);
        let served = async {
            while ask(&made, at, Version::HTTP_11, request(Version::HTTP_11, "GET", "/x", &[])).await.status
                != StatusCode::OK
            {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(SOON, served).await.expect("his places are free again");
        assert!(is_stream || began.elapsed() >= Duration::from_millis(PATIENCE_MS), "{path}: {:?}", began.elapsed());
        let ended = async {
            let mut sender = sender;
            while sender.ready().await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(SOON, ended).await.expect("with nothing else under way his connection ends");
        drop(held);
    }
    assert_eq!(open_streams(&street).await, 0);
}

async fn open_streams(street: &Street) -> usize {
    let patience = Instant::now() + SOON;
    loop {
        let open = street.gateway.open_streams();
        if open == 0 || Instant::now() > patience {
            return open;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn whoever_takes_a_little_now_and_then_is_given_all_of_it_beside_one_that_nobody_takes() {
    let mut street = street(Settings::default()).await;
    let (made, certificate) = Made::new();
    let at = street.open_tls_by(certificate, config()).await;
    let mut tasks = JoinSet::new();
    let sender = with_window(&made, at, 1 << 16, &mut tasks).await;
    let untaken = all(&sender, "/large", 1).await;
    let mut slow = all(&sender, "/large", 1).await.remove(0).into_body();
    let began = Instant::now();
    let mut taken = 0;
    // Longer than the other one may hold its place.
    while began.elapsed() < Duration::from_millis(4 * PATIENCE_MS) {
        let frame = timeout(SOON, slow.frame()).await.unwrap().unwrap();
        taken += frame.expect("it goes on").into_data().unwrap().len();
        sleep(Duration::from_millis(PATIENCE_MS / 4)).await;
    }
    while let Some(frame) = timeout(SOON, slow.frame()).await.unwrap() {
        taken += frame.expect("it goes on").into_data().unwrap().len();
    }
    assert_eq!(taken, LARGE);
    let rest = untaken.into_iter().next().unwrap().into_body().collect();
    assert!(timeout(SOON, rest).await.unwrap().is_err(), "half an answer is not taken for a whole one");
}

#[tokio::test]
async fn over_http1_an_answer_that_nobody_reads_ends_too() {
    let mut street = street(Settings::default()).await;
    let at = street.open_by(Stop::new(), config()).await;
    let mut silent = Vec::new();
    for _ in 0..PLACES {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        silent.push(stream);
    }
    let status = async || {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(TcpStream::connect(at).await.unwrap())).await.unwrap();
        let asked = sender.send_request(request(Version::HTTP_11, "GET", "/x", &[]));
        tokio::select! { answer = asked => answer.unwrap().status(), _ = connection => panic!("hung up") }
    };
    let until = async |wanted| {
        let is_it = async {
            while status().await != wanted {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(SOON, is_it).await.unwrap_or_else(|_| panic!("never {wanted}"));
    };
    until(StatusCode::SERVICE_UNAVAILABLE).await;
    until(StatusCode::OK).await;
    drop(silent);
}

#[tokio::test]
async fn one_stream_too_many_is_refused_to_whoever_has_the_others_and_to_nobody_else() {
    let mut street = street(Settings { streams_per_caller: 3, ..Settings::default() }).await;
    let (made, certificate) = Made::new();
    let at = street.open_tls_by(certificate, config()).await;
    let mut tasks = JoinSet::new();
    let sender = with_window(&made, at, 1 << 16, &mut tasks).await;
    let mut open = all(&sender, "/events", 3).await;
    assert!(open.iter().all(|answer| answer.status() == StatusCode::OK), "{open:?}");
    let refused = ask(&made, at, Version::HTTP_2, get_of("/events")).await;
    assert_eq!(
        (refused.status, &refused.headers["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"5".parse().unwrap())
    );
    assert!(
        refused.body.contains("/errors/too-many-streams") && refused.body.contains("3 streams"),
        "{}",
        refused.body
    );
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!(
        ask(&made, at, Version::HTTP_2, get_of("/x")).await.status,
        StatusCode::OK,
        "what is no stream is served"
    );
    // Also whoever reads is never ended.
    let mut one = open.remove(0).into_body().into_data_stream();
    for _ in 0..40 {
        timeout(SOON, one.next()).await.unwrap().unwrap().unwrap();
    }
    drop(open);
    let again = async {
        loop {
            let answer = all(&sender, "/events", 1).await.remove(0);
            if answer.status() == StatusCode::OK {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, again).await.expect("what is closed is free again");
}
