//! Who is left out: instances that the supervisor calls ready and that fail all the same.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::timeout;

use crate::street::{Act, Street};

const WELL: Act = Act::Say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwell");
const SICK: Act = Act::Say("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");

/// Sends until the upstream has failed so often; how many requests failed.
async fn ask(street: &Street, times: usize) -> usize {
    let mut failed = 0;
    for _ in 0..times {
        failed += usize::from(street.ask("POST", &[], "hello").await.status != StatusCode::OK);
    }
    failed
}

#[tokio::test]
async fn an_instance_that_breaks_every_connection_is_left_out_until_it_says_it_is_ready() {
    let mut street = Street::new(|standard| standard);
    // Five requests break; asked after a second it is not ready; asked after two more it is.
    let acts = &[Act::Reset, Act::Reset, Act::Reset, Act::Reset, Act::Reset, SICK, WELL];
    let (sick, seen) = street.raw(acts).await;
    let (well, served) = street.upstream().await;
    street.route_to(vec![sick, well]);
    assert_eq!(ask(&street, 40).await, 5, "each failure is seen by who may not ask again, and no more than five");
    assert_eq!(served.load(Ordering::SeqCst), 35);
    let back = async {
        while seen.lock().unwrap().iter().filter(|request| request.starts_with("POST")).count() == 5 {
            assert_eq!(ask(&street, 1).await, 0, "nobody meets it before it is well");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), back).await.expect("it comes back");
    let asked = seen.lock().unwrap().iter().filter(|request| request.starts_with("GET /health/ready ")).count();
    assert_eq!(asked, 2);
}

#[tokio::test]
async fn an_instance_that_never_answers_in_time_is_left_out() {
    let mut street = Street::impatient(500);
    let (sick, _) = street.raw(&[Act::Hang]).await;
    let (well, _) = street.upstream().await;
    street.route_to(vec![sick, well]);
    assert_eq!(ask(&street, 20).await, 5);
}

#[tokio::test]
async fn a_caller_in_a_hurry_takes_nobody_out() {
    let mut street = Street::new(|standard| standard);
    let (slow, seen) = street.raw(&[Act::Hang]).await;
    let (well, _) = street.upstream().await;
    street.route_to(vec![slow, well]);
    for _ in 0..16 {
        street.ask("POST", &[("x-bongsu-deadline-ms", "150")], "hello").await;
    }
    assert_eq!(seen.lock().unwrap().len(), 8, "it keeps its turn");
}

#[tokio::test]
async fn the_last_ones_are_asked_although_all_are_sick() {
    let mut street = Street::without_breakers();
    let acts = &[Act::Reset, Act::Reset, Act::Reset, Act::Reset, Act::Reset, Act::Reset, WELL];
    let ((one, _), (two, _)) = (street.raw(acts).await, street.raw(acts).await);
    street.route_to(vec![one, two]);
    assert_eq!(ask(&street, 12).await, 12, "nobody is left, and still they are asked");
    assert_eq!(ask(&street, 2).await, 0);
}

#[tokio::test]
async fn a_deadline_that_is_no_number_is_refused() {
    let mut street = Street::new(|standard| standard);
    let (upstream, served) = street.upstream().await;
    street.route_to(vec![upstream]);
    for garbage in ["", "soon", "-1", "1.5", "99999999999"] {
        let answer = street.ask("GET", &[("x-bongsu-deadline-ms", garbage)], "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{garbage:?}");
        assert!(answer.body.contains("/errors/bad-request"), "{}", answer.body);
    }
    assert_eq!(served.load(Ordering::SeqCst), 0);
}
