//! What is sent again: only what has reached nobody.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::street::{Street, WAIT_MS, nobody};

#[tokio::test]
async fn a_refused_connection_is_tried_at_another_instance_with_the_whole_body() {
    let mut street = Street::new(|standard| standard);
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![nobody().await, upstream, nobody().await]);
    for asked in 1..=6 {
        let answer = street.ask("POST", &[], "hello").await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "hello"));
        assert_eq!(served.load(Ordering::SeqCst), asked);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_was_sent_is_never_tried_again() {
    let mut street = Street::new(|standard| standard);
    let (upstream, served) = street.upstream().await;
    let breaks = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The only ready one first: it takes the request and hangs up.
    street.route_to(vec![breaks.local_addr().unwrap()]);
    let hang_up = async {
        let (mut stream, _) = breaks.accept().await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        street.route_to(vec![upstream]);
    };
    let (answer, ()) = tokio::join!(street.ask("POST", &[("idempotency-key", "1")], "hello"), hang_up);
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.body.contains("/errors/upstream-lost"), "{}", answer.body);
    assert_eq!(served.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_keyed_request_waits_for_an_instance_and_one_without_a_key_does_not() {
    let mut street = Street::new(|standard| standard);
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![nobody().await]);
    let answer = street.ask("POST", &[], "hello").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["retry-after"], "1");
    let comes = async {
        tokio::task::yield_now().await;
        street.route_to(vec![upstream]);
    };
    let (answer, ()) = tokio::join!(street.ask("POST", &[("idempotency-key", "1")], "hello"), comes);
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "hello"));
    assert_eq!(served.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn waiting_ends() {
    let street = Street::new(|standard| standard);
    street.route_to(Vec::new());
    let began = Instant::now();
    let answer = street.ask("GET", &[], "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(began.elapsed() >= Duration::from_millis(WAIT_MS), "{:?}", began.elapsed());
}
