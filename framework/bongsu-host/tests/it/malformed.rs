//! Requests that are no HTTP, or that two readers would read in two ways: each is told why, in the shape of every error.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    client::{Ask, Got, PATIENCE, exchange},
    fixture::Fixture,
};

/// The answer to bytes, whose sender ends there.
async fn told(fixture: &Fixture, bytes: &[u8]) -> Got {
    let mut stream = TcpStream::connect(fixture.addr).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    Got::parse(&crate::client::read_all(&mut stream).await)
}

#[track_caller]
fn is_problem(got: &Got, status: u16, what: &str) {
    assert_eq!(got.status, status, "{what}: {}", String::from_utf8_lossy(&got.body));
    assert_eq!(got.header("content-type"), Some("application/problem+json"), "{what}");
    assert_eq!(got.json()["status"], status, "{what}");
    assert_eq!(got.json()["traceId"].as_str().map(str::len), Some(32), "{what}");
    assert_eq!(got.header("content-length"), Some(got.body.len().to_string().as_str()), "{what}");
}

#[tokio::test]
async fn too_many_header_lines_are_431_however_many_they_are() {
    let fixture = Fixture::open().await;
    let lines = |count: usize| "x-a: 1\r\n".repeat(count);
    let ask = |count: usize| {
        format!("GET /numbers/1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{}\r\n", lines(count - 2))
    };
    assert_eq!(told(&fixture, ask(100).as_bytes()).await.status, 200);
    told(&fixture, ask(101).as_bytes()).await.problem(431, "headers-too-large");
    for count in [128, 129, 1_000, 5_000] {
        is_problem(&told(&fixture, ask(count).as_bytes()).await, 431, &format!("{count} lines"));
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused_with_a_problem() {
    let host = Fixture::open().await;
    let get = "GET /numbers/1 HTTP/1.1\r\n";
    let cases = [
        "GE\u{1}T /numbers/1 HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "GET  /numbers/1 HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "GET /numbers/1 HTTP/9.9\r\nhost: localhost\r\n\r\n".to_owned(),
        "GET /numbers/1\r\n\r\n".to_owned(),
        "GET /num bers HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "GET http:// HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        format!("{get}host: localhost\r\nx-a : 1\r\n\r\n"),
        format!("{get}host: localhost\r\nx-a: 1\r\n 2\r\n\r\n"),
        format!("{get}host: localhost\r\nx-a: 1\u{0}2\r\n\r\n"),
        format!("{get}host: localhost\r\n: 1\r\n\r\n"),
        format!("{get}host: localhost\r\nno colon\r\n\r\n"),
        format!("{get}host: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
        format!("{get}host: localhost\r\ncontent-length: +1\r\n\r\na"),
        format!("{get}host: localhost\r\ncontent-length: -1\r\n\r\na"),
        format!("{get}host: localhost\r\ncontent-length: 0x1\r\n\r\na"),
        format!("{get}host: localhost\r\ncontent-length: 18446744073709551616\r\n\r\na"),
        format!("{get}host: localhost\r\ntransfer-encoding: gzip\r\n\r\na"),
        format!("{get}host: localhost\r\ntransfer-encoding: chunked, identity\r\n\r\na"),
    ];
    for case in &cases {
        is_problem(&told(&host, case.as_bytes()).await, 400, case);
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(9_000));
    told(&host, long.as_bytes()).await.problem(414, "headers-too-large");
    let endless = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(70_000));
    let got = told(&host, endless.as_bytes()).await;
    assert!(matches!(got.status, 414 | 431), "{}", got.status);
    is_problem(&got, got.status, "a target of 70 000 bytes");
    assert_eq!(Ask::get("/numbers/1").of(host.addr).await.status, 200, "others are served");
}

#[tokio::test]
async fn an_answer_that_looks_like_a_bare_refusal_is_left_alone() {
    let fixture = Fixture::open().await;
    // Two requests on one connection: the first is answered as it is, the second is no HTTP.
    let two = b"GET /numbers/7 HTTP/1.1\r\nhost: localhost\r\n\r\nnonsense\r\n\r\n";
    let answer = String::from_utf8(exchange(fixture.addr, two).await).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\r\n\r\n7HTTP/1.1 400 Bad Request\r\n"),
        "{answer}"
    );
    assert!(answer.contains("/errors/bad-request"), "{answer}");
}

#[tokio::test]
async fn a_request_is_for_one_host() {
    let fixture = Fixture::open().await;
    let head = "GET /numbers/1 HTTP/1.1\r\nconnection: close\r\n";
    for hosts in ["host: localhost\r\nhost: localhost\r\n", "host: localhost\r\nHost: b\r\n", ""] {
        told(&fixture, format!("{head}{hosts}\r\n").as_bytes()).await.problem(400, "bad-request");
    }
    for good in [
        format!("{head}host: localhost\r\n\r\n"),
        "GET http://localhost/numbers/1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_owned(),
        "GET /numbers/1 HTTP/1.0\r\n\r\n".to_owned(),
    ] {
        assert_eq!(told(&fixture, good.as_bytes()).await.status, 200, "{good}");
    }
}

#[tokio::test]
async fn an_address_that_is_escaped_wrongly_is_400() {
    let fixture = Fixture::open().await;
    for bad in ["/numbers/%", "/numbers/%4", "/numbers/%zz", "/numbers/%ff", "/info?a=%", "/info?a=%c3%28"] {
        Ask::get(bad).of(fixture.addr).await.problem(400, "bad-request");
    }
    assert_eq!(Ask::get("/numbers/%31?%61=%EC%A3%BC").of(fixture.addr).await.status, 200);
}

#[tokio::test]
async fn head_of_a_stream_says_what_it_is_and_no_length_and_the_connection_goes_on() {
    let fixture = Fixture::open().await;
    let mut stream = TcpStream::connect(fixture.addr).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"HEAD /doors/front/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, stream.read_u8()).await.expect("it is answered").unwrap());
        }
        let got = Got::parse(&head);
        assert_eq!((got.status, got.header("content-type")), (200, Some("text/event-stream")));
        assert_eq!(got.header("content-length"), None);
    }
    // Where the length is known, it is the one that GET would have.
    stream.write_all(b"HEAD /numbers/123 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let got = Got::parse(&crate::client::read_all(&mut stream).await);
    assert_eq!((got.status, got.header("content-length")), (200, Some("3")));
}
