//! Breakers on real sockets: what opens them, what never does, and that they close by themselves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use gateway::Settings;
use gateway::breaker::{Kind, Rules, Shown};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use crate::street::{Act, Response, Street, nobody};

const WELL: Act = Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwell");
const BAD: Act = Act::Say("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n");
const BUSY: Act = Act::Say("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
const GARBAGE: Act = Act::Say("no http\r\n\r\n");
const NO: Act = Act::Say("HTTP/1.1 422 Unprocessable Content\r\ncontent-length: 0\r\n\r\n");
/// Longer than anything here takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

type Seen = Arc<Mutex<Vec<String>>>;

fn is_open(answer: &Response) -> bool {
    answer.body.contains("/errors/circuit-open")
}

/// What reached the service, beside questions whether it is ready.
fn calls(seen: &Seen) -> usize {
    seen.lock().unwrap().iter().filter(|request| !request.starts_with("GET /health/ready ")).count()
}

fn only(street: &Street) -> Shown {
    let mut all = street.gateway.breakers();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Sends while a client on a socket of its own would give up after so long.
async fn hang_up(street: &Street, after: Duration) {
    let request = Request::builder().method("POST").uri("/x").body(Body::from("hello")).unwrap();
    let asked = street.gateway.router().oneshot(request);
    assert!(timeout(after, asked).await.is_err(), "nobody answers");
}

#[tokio::test]
async fn whatever_fails_is_left_alone_within_twenty_calls_and_is_asked_no_more_often_than_clients_ask() {
    let kinds: [(&str, &'static [Act]); 4] =
        [("500", &[BAD]), ("503", &[BUSY]), ("broken", &[Act::Reset]), ("garbage", &[GARBAGE])];
    for (kind, acts) in kinds {
        for method in ["GET", "POST"] {
            let mut street = Street::new(|standard| standard);
            let (upstream, seen) = street.raw(acts).await;
            street.route_to(vec![upstream]);
            let began = Instant::now();
            let mut failed = 0;
            while !is_open(&street.ask(method, &[], "").await) {
                failed += 1;
                assert!(failed <= 20, "{kind} {method}");
            }
            assert!(failed <= 20 || began.elapsed() < Duration::from_secs(1), "{kind} {method}: {failed}");
            let asked = failed + 1 + 100;
            for _ in 0..100 {
                let answer = street.ask(method, &[], "").await;
                assert!(answer.status.is_server_error());
                assert!(!is_open(&answer) || answer.headers["retry-after"] == "1", "{:?}", answer.headers);
            }
            let sent = calls(&seen);
            assert!(sent * 10 <= asked * 12, "{kind} {method}: {sent} calls of {asked} reached it");
            println!("{kind} {method}: open after {failed} failed calls; of {asked} calls {sent} reached the service");
            assert!(only(&street).why.is_some_and(|why| why.starts_with("5 calls in a row failed")));
        }
    }
}

#[tokio::test]
async fn everybody_at_once_is_not_sent_again_either() {
    let mut street = Street::new(|standard| standard);
    let (upstream, seen) = street.raw(&[Act::Reset]).await;
    street.route_to(vec![upstream]);
    futures::future::join_all((0..100).map(|_| street.ask("GET", &[], ""))).await;
    let sent = calls(&seen);
    println!("100 calls at once: {sent} reached the service");
    assert!(sent <= 120, "{sent}");
}

#[tokio::test]
async fn a_service_that_refuses_every_connection_is_left_alone() {
    let street = Street::new(|standard| standard);
    street.route_to(vec![nobody().await]);
    let mut failed = 0;
    while !is_open(&street.ask("POST", &[], "").await) {
        failed += 1;
        assert!(failed <= 20);
    }
    assert!(only(&street).why.unwrap().ends_with("the connection was refused"));
}

#[tokio::test]
async fn that_nobody_is_there_to_be_asked_is_no_failed_call() {
    let street = Street::new(|standard| standard);
    street.route_to(Vec::new());
    for _ in 0..30 {
        assert!(!is_open(&street.ask("POST", &[], "").await));
    }
    assert_eq!(only(&street).state, Kind::Closed);
}

#[tokio::test]
async fn a_service_that_hangs_is_left_alone_within_a_second_and_takes_no_pool_with_it() {
    let rules = Rules { slow_ms: 200, at_once: 100, ..Rules::default() };
    let mut settings = Settings { breaker: Some(rules), ..Settings::default() };
    settings.limits.concurrency = 130;
    let mut street = Street::set(settings);
    let (hangs, seen) = street.raw(&[Act::Hang]).await;
    street.route_to(vec![hangs]);
    let began = Instant::now();
    // More than the whole gateway takes at once.
    let waiting = futures::future::join_all((0..150).map(|_| street.ask("POST", &[], "hello")));
    let opened = async {
        while street.gateway.breakers().iter().all(|shown| shown.state != Kind::Open) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let took = began.elapsed();
        let other = street.ask_at("GET", "/bongsu/breakers", &[]).await.status;
        assert_eq!(other, StatusCode::UNAUTHORIZED, "there is room for others although a hundred wait");
        took
    };
    let took = tokio::select! {
        _ = waiting => panic!("nobody is answered so soon"),
        took = timeout(PATIENCE, opened) => took.expect("it opens"),
    };
    println!("a hanging service: open after {took:?}, {} calls reached it", calls(&seen));
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(calls(&seen) <= 100, "one more was refused at once");
    let why = only(&street).why.unwrap();
    assert!(why.ends_with("calls took longer than 200 ms"), "{why}");
}

#[tokio::test]
async fn it_recovers_by_itself() {
    let mut street = Street::new(|standard| standard);
    let (upstream, seen) = street.raw(&[BAD, BAD, BAD, BAD, BAD, BAD, WELL]).await;
    street.route_to(vec![upstream]);
    let began = Instant::now();
    let recovered = async {
        loop {
            let is_well = street.ask("POST", &[], "").await.status == StatusCode::OK;
            if is_well && only(&street).state == Kind::Closed {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, recovered).await.expect("it closes");
    println!("well again after {:?}", began.elapsed());
    assert_eq!(calls(&seen), 5 + 1 + 3, "five opened it, one probe failed, three closed it");
    for _ in 0..20 {
        assert_eq!(street.ask("POST", &[], "").await.status, StatusCode::OK);
    }
    assert_eq!(only(&street).opened, 2);
}

#[tokio::test]
async fn clients_that_hang_up_never_open_it() {
    let mut street = Street::new(|standard| standard);
    let (upstream, seen) = street.raw(&[Act::Hang]).await;
    street.route_to(vec![upstream]);
    for hung in 1..=40 {
        hang_up(&street, Duration::from_millis(20)).await;
        let reached = async {
            while calls(&seen) < hung {
                hang_up(&street, Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, reached).await.expect("it is asked");
    }
    let shown = only(&street);
    assert_eq!((shown.state, shown.calls, shown.unanswered), (Kind::Closed, 0, 0), "{shown:?}");
}

#[tokio::test]
async fn clients_in_a_hurry_never_open_it() {
    let mut street = Street::new(|standard| standard);
    let (upstream, seen) = street.raw(&[Act::Hang]).await;
    street.route_to(vec![upstream]);
    for _ in 0..30 {
        let answer = street.ask("POST", &[("x-bongsu-deadline-ms", "30")], "hello").await;
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    }
    assert!(calls(&seen) > 20);
    let busy = street.raw(&[BUSY]).await.0;
    street.route_to(vec![busy]);
    for _ in 0..30 {
        let answer = street.ask("POST", &[("x-bongsu-deadline-ms", "3000")], "hello").await;
        assert!(!is_open(&answer), "{}", answer.body);
    }
    assert_eq!(only(&street).state, Kind::Closed);
}

#[tokio::test]
async fn refusals_are_good_answers() {
    let mut street = Street::new(|standard| standard);
    let (upstream, seen) = street.raw(&[NO]).await;
    street.route_to(vec![upstream]);
    for _ in 0..100 {
        assert_eq!(street.ask("POST", &[], "hello").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(calls(&seen), 100);
    let shown = only(&street);
    assert_eq!((shown.state, shown.calls, shown.failed), (Kind::Closed, 100, 0));
}

#[tokio::test]
async fn bodies_that_break_off_are_too_long_or_never_end_never_open_it() {
    let mut settings = Settings::default();
    settings.limits.request_timeout_ms = 300;
    settings.limits.body_bytes = 10;
    let mut street = Street::set(settings);
    let (upstream, _) = street.raw(&[Act::Hang]).await;
    street.route_to(vec![upstream]);
    let gateway = street.open().await;
    let chunked = "POST /x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let bodies = ["zz\r\n", "5\r\nhel", "14\r\nhellohellohellohello\r\n0\r\n\r\n", "5\r\nhello\r\n"];
    for body in bodies.iter().cycle().take(24) {
        let mut socket = TcpStream::connect(gateway).await.unwrap();
        socket.write_all(format!("{chunked}{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        // Whatever is answered: that the connection is closed at once is fine, too.
        let _ = timeout(PATIENCE, socket.read_to_string(&mut answer)).await.expect("an answer or an end");
        assert!(!answer.contains("circuit-open"), "{answer}");
    }
    let shown = only(&street);
    assert_eq!((shown.state, shown.failed, shown.unanswered), (Kind::Closed, 0, 0), "{shown:?}");
}

#[tokio::test]
async fn a_client_that_sends_so_slowly_that_no_time_is_left_never_opens_it() {
    let mut settings = Settings::default();
    settings.limits.request_timeout_ms = 400;
    let mut street = Street::set(settings);
    let (upstream, seen) = street.raw(&[Act::Hang]).await;
    street.route_to(vec![upstream]);
    let gateway = street.open().await;
    for _ in 0..8 {
        let mut socket = TcpStream::connect(gateway).await.unwrap();
        let head = "POST /x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhell";
        socket.write_all(head.as_bytes()).await.unwrap();
        // The gateway's time runs from when it has the head, which a busy machine may read late.
        let begun = async {
            while street.gateway.breakers().iter().all(|shown| shown.unanswered == 0) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        if timeout(Duration::from_secs(2), begun).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(320)).await;
            // It may be too late already.
            let _ = socket.write_all(b"o").await;
        }
        let mut answer = String::new();
        let _ = timeout(PATIENCE, socket.read_to_string(&mut answer)).await.expect("an answer or an end");
    }
    println!("{} slow bodies came whole", calls(&seen));
    let shown = only(&street);
    assert_eq!((shown.state, shown.failed), (Kind::Closed, 0), "{shown:?}");
}

#[tokio::test]
async fn one_route_that_fails_does_not_close_the_door_of_another() {
    let mut street = Street::new(|standard| standard);
    let (bad, _) = street.raw(&[BAD]).await;
    street.route_paths_to(&["/bad/*", "/good/*"], vec![bad]);
    while !is_open(&street.ask_at("POST", "/bad/1", &[]).await) {}
    assert!(is_open(&street.ask_at("GET", "/bad/2", &[]).await), "all paths of a route have one breaker");
    let answer = street.ask_at("POST", "/good/1", &[]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "it is asked");
    let states: Vec<Kind> = street.gateway.breakers().iter().map(|shown| shown.state).collect();
    assert_eq!(states, [Kind::Open, Kind::Closed]);
}

#[tokio::test]
async fn a_route_that_is_gone_takes_its_breaker_with_it() {
    let mut street = Street::new(|standard| standard);
    let (bad, _) = street.raw(&[BAD]).await;
    street.route_paths_to(&["/bad/*"], vec![bad]);
    while !is_open(&street.ask_at("POST", "/bad/1", &[]).await) {}
    street.route_paths_to(&["/good/*"], vec![bad]);
    let gone = async {
        while !street.gateway.breakers().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("it is forgotten");
}
