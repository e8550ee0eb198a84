//! What is sent again: what has reached nobody, and what may arrive twice without harm.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::Instant;

use crate::street::{Act, Street, WAIT_MS, nobody};

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

/// Method, headers, body, and whether it is sent again.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str, bool);

const KEY: &[(&str, &str)] = &[("idempotency-key", "1")];
const WELL: Act = Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwell");

#[tokio::test]
async fn a_request_that_may_have_arrived_is_sent_again_only_if_that_does_no_harm() {
    let cases: [Case; 6] = [
        ("GET", &[], "", true),
        ("HEAD", &[], "", true),
        ("POST", KEY, "hello", true),
        ("POST", &[], "hello", false),
        ("PUT", &[], "hello", false),
        ("GET", &[], "hello", false),
    ];
    for (method, headers, body, again) in cases {
        let mut street = Street::new(|standard| standard);
        let (upstream, seen) = street.raw(&[Act::Reset, WELL]).await;
        street.route_to(vec![upstream]);
        let answer = street.ask(method, headers, body).await;
        let seen = seen.lock().unwrap().clone();
        if again {
            assert_eq!((answer.status, seen.len()), (StatusCode::OK, 2), "{method} {headers:?} {body:?}");
            let without_deadline = |text: &str| {
                text.lines().filter(|line| !line.starts_with("x-bongsu-deadline")).collect::<Vec<_>>().join("\n")
            };
            assert_eq!(without_deadline(&seen[0]), without_deadline(&seen[1]));
            assert!(seen[1].ends_with(body));
        } else {
            assert_eq!((answer.status, seen.len()), (StatusCode::BAD_GATEWAY, 1), "{method} {headers:?} {body:?}");
            assert!(answer.body.contains("/errors/upstream-lost"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_is_sent_again_goes_to_another_instance_first() {
    let mut street = Street::new(|standard| standard);
    let (breaks, broken) = street.raw(&[Act::Reset]).await;
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![breaks, upstream]);
    for _ in 0..4 {
        let answer = street.ask("POST", KEY, "hello").await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "hello"));
    }
    assert_eq!(served.load(Ordering::SeqCst), 4);
    assert!((1..=4).contains(&broken.lock().unwrap().len()), "never twice for one request");
}

#[tokio::test]
async fn sending_again_is_bounded() {
    let mut street = Street::new(|standard| standard);
    let (upstream, seen) = street.raw(&[Act::Reset]).await;
    street.route_to(vec![upstream]);
    let answer = street.ask("GET", &[], "").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(seen.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn when_everything_breaks_the_budget_keeps_the_gateway_from_adding_to_it() {
    let mut street = Street::without_breakers();
    let (upstream, seen) = street.raw(&[Act::Reset]).await;
    street.route_to(vec![upstream]);
    let began = Instant::now();
    for _ in 0..6 {
        let asked = (0..100).map(|_| street.ask("GET", &[], ""));
        let answers = futures::future::join_all(asked).await;
        assert!(answers.iter().all(|answer| answer.status == StatusCode::BAD_GATEWAY), "{:?}", answers[0].body);
    }
    let sent = seen.lock().unwrap().len();
    // 50 in each of ten seconds (more on a machine that takes longer for all this), and a fifth of what was asked.
    let seconds = 10 + began.elapsed().as_secs() as usize;
    assert!((600..=600 + 50 * seconds + 120).contains(&sent), "{sent} in {seconds} s");
}

#[tokio::test]
async fn an_answer_that_has_begun_is_never_asked_for_again() {
    let mut street = Street::new(|standard| standard);
    let (upstream, seen) = street.raw(&[Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"), WELL]).await;
    street.route_to(vec![upstream]);
    assert!(street.try_ask("POST", KEY, "hello").await.is_err(), "it is cut off");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_answers_garbage_is_not_asked_again() {
    let mut street = Street::new(|standard| standard);
    let (upstream, seen) = street.raw(&[Act::Say("no http\r\n\r\n"), WELL]).await;
    street.route_to(vec![upstream]);
    let answer = street.ask("GET", &[], "").await;
    assert!(answer.body.contains("/errors/upstream-garbage"), "{}", answer.body);
    assert_eq!(seen.lock().unwrap().len(), 1);
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
