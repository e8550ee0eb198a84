//! Every error is a problem+json and says nothing about the inside.

use crate::{
    client::{Ask, Got, exchange},
    fixture::Fixture,
};

#[tokio::test]
async fn an_unknown_path_is_404_and_a_wrong_method_405_naming_the_right_one() {
    let fixture = Fixture::open().await;
    Ask::get("/nowhere").of(fixture.addr).await.problem(404, "not-found");
    let wrong = Ask::new("DELETE", "/greetings").of(fixture.addr).await;
    wrong.problem(405, "method-not-allowed");
    assert_eq!(wrong.header("allow"), Some("POST"));
    let known = Ask::get("/doors/front").of(fixture.addr).await.problem(404, "not-found");
    assert_eq!(known["detail"], "This door was never opened.");
}

#[tokio::test]
async fn a_path_parameter_that_does_not_parse_is_a_problem_too() {
    let fixture = Fixture::open().await;
    let problem = Ask::get("/numbers/many").of(fixture.addr).await.problem(400, "bad-request");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("many")), "{problem}");
}

#[tokio::test]
async fn a_panic_and_a_failure_are_500_without_their_reasons() {
    let fixture = Fixture::open().await;
    for path in ["/panics", "/fails"] {
        let got = Ask::get(path).of(fixture.addr).await;
        let problem = got.problem(500, "internal");
        assert_eq!(problem.get("detail"), None);
        assert!(!String::from_utf8_lossy(&got.body).contains("hunter2"));
    }
    assert_eq!(Ask::get("/info").of(fixture.addr).await.status, 200, "still serving");
}

#[tokio::test]
async fn nobody_is_401() {
    let fixture = Fixture::open().await;
    let nobody = Ask::get("/callers").of(fixture.addr).await;
    nobody.problem(401, "unauthenticated");
    assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
    let two = Ask::get("/callers").header("x-bongsu-principal", "ann").header("x-bongsu-principal", "bob");
    two.of(fixture.addr).await.problem(401, "unauthenticated");
    let ann = Ask::get("/callers").header("x-bongsu-principal", "ann").of(fixture.addr).await;
    assert_eq!(ann.body, b"ann");
}

#[tokio::test]
async fn what_is_not_http_is_400_and_the_next_caller_is_served() {
    let fixture = Fixture::open().await;
    for garbage in [&b"\x16\x03\x01\x02\x00garbage\r\n\r\n"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"] {
        let answer = exchange(fixture.addr, garbage).await;
        assert!(answer.is_empty() || Got::parse(&answer).status == 400, "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(Ask::get("/info").of(fixture.addr).await.status, 200);
}
