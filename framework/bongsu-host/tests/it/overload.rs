//! Too much is refused quickly, never absorbed without end.

use bongsu_host::config::Limits;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};

use crate::{
    client::{Ask, Got, PATIENCE, exchange, read_all},
    fixture::{Fixture, spawn},
};

#[tokio::test]
async fn a_client_that_never_finishes_its_head_is_closed() {
    let fixture = Fixture::with(|config| config.limits.header_timeout_ms = 100).await;
    let mut slow = TcpStream::connect(fixture.addr).await.unwrap();
    slow.write_all(b"GET /info HTTP/1.1\r\nhost: te").await.unwrap();
    let said = read_all(&mut slow).await;
    assert!(said.is_empty() || Got::parse(&said).status == 408, "{}", String::from_utf8_lossy(&said));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431() {
    let fixture = Fixture::with(|config| config.limits.header_bytes = 8_192).await;
    let got = Ask::get("/info").header("x-large", &"a".repeat(9_000)).of(fixture.addr).await;
    got.problem(431, "headers-too-large");
    let target = format!("/info?{}", "a".repeat(9_000));
    Ask::get(&target).of(fixture.addr).await.problem(414, "headers-too-large");
    let huge = format!("GET /info HTTP/1.1\r\nhost: localhost\r\nx-huge: {}\r\n\r\n", "a".repeat(100_000));
    let answer = exchange(fixture.addr, huge.as_bytes()).await;
    assert_eq!(Got::parse(&answer).json()["type"], "/errors/headers-too-large");
    assert_eq!(Ask::get("/info").of(fixture.addr).await.status, 200);
}

#[tokio::test]
async fn one_request_too_many_is_shed_but_probes_are_answered() {
    let fixture = Fixture::with(|config| config.limits.concurrency = 1).await;
    let waiting = spawn(Ask::get("/gate").of(fixture.addr));
    fixture.somebody_at_the_gate().await;
    let shed = Ask::get("/numbers/1").of(fixture.addr).await;
    shed.problem(503, "overloaded");
    assert_eq!(shed.header("retry-after"), Some("1"));
    for seen in ["/health/live", "/info", "/bongsu/status"] {
        assert_eq!(Ask::get(seen).of(fixture.addr).await.status, 200, "{seen}");
    }
    fixture.gate.open.add_permits(1);
    assert_eq!(waiting.await.unwrap().status, 200);
    assert_eq!(Ask::get("/numbers/1").of(fixture.addr).await.status, 200);
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_closed() {
    let fixture = Fixture::with(|config| config.limits.max_connections = 1).await;
    let waiting = spawn(Ask::get("/gate").of(fixture.addr));
    fixture.somebody_at_the_gate().await;
    let refused = Ask::get("/info").of(fixture.addr).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(refused.json()["type"], "/errors/overloaded");
    fixture.gate.open.add_permits(1);
    assert_eq!(waiting.await.unwrap().status, 200);
    let served = async {
        while Ask::get("/info").of(fixture.addr).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, served).await.expect("served again once the connection is gone");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_503() {
    let fixture = Fixture::with(|config| config.limits.request_timeout_ms = 50).await;
    let late = Ask::get("/gate").of(fixture.addr).await;
    late.problem(503, "timeout");
    assert_eq!(late.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_caller_with_less_patience_than_we_have_is_told_504_when_that_is_over() {
    let fixture = Fixture::open().await;
    let hurry = |millis: &str| Ask::get("/gate").header("x-bongsu-deadline-ms", millis);
    hurry("500").of(fixture.addr).await.problem(504, "timeout");
    fixture.somebody_at_the_gate().await;
    // Whom nobody waits for any more is not even begun.
    hurry("0").of(fixture.addr).await.problem(504, "timeout");
    assert_eq!(fixture.gate.entered.available_permits(), 0);
    let patient = Ask::get("/numbers/1").header("x-bongsu-deadline-ms", "20000");
    assert_eq!(patient.of(fixture.addr).await.status, 200);
}

#[tokio::test]
async fn a_caller_with_more_patience_than_we_have_gets_our_own() {
    let fixture = Fixture::with(|config| config.limits.request_timeout_ms = 50).await;
    let patient = Ask::get("/gate").header("x-bongsu-deadline-ms", "4294967295");
    patient.of(fixture.addr).await.problem(503, "timeout");
}

#[tokio::test]
async fn a_deadline_that_is_no_number_is_400() {
    let fixture = Fixture::open().await;
    for garbage in ["soon", "-1", "1.5", "4294967296", "1 2"] {
        let got = Ask::get("/numbers/1").header("x-bongsu-deadline-ms", garbage).of(fixture.addr).await;
        let problem = got.problem(400, "bad-request");
        assert_eq!(problem["detail"], "x-bongsu-deadline-ms is a number of milliseconds.", "{garbage}");
    }
}

#[tokio::test]
async fn every_limit_works_at_both_ends_of_its_range() {
    let largest = Limits {
        body_bytes: 1 << 30,
        json_depth: 120,
        header_bytes: 1 << 20,
        header_timeout_ms: 3_600_000,
        request_timeout_ms: 86_400_000,
        send_timeout_ms: 3_600_000,
        max_connections: 1 << 20,
        concurrency: 1 << 20,
        streams: 1 << 20,
    };
    let fixture = Fixture::with(|config| config.limits = largest).await;
    assert_eq!(Ask::get("/numbers/1").header("x-bongsu-deadline-ms", "4294967295").of(fixture.addr).await.status, 200);
    let deep = |levels: usize| format!("{{\"name\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    Ask::new("POST", "/greetings").json(deep(119)).of(fixture.addr).await.problem(422, "invalid-body");
    Ask::new("POST", "/greetings").json(deep(120)).of(fixture.addr).await.problem(400, "too-deep");
    let smallest = Limits {
        body_bytes: 1,
        json_depth: 1,
        header_bytes: 1_024,
        send_timeout_ms: 1,
        max_connections: 1,
        concurrency: 1,
        streams: 1,
        ..Limits::default()
    };
    let fixture = Fixture::with(|config| config.limits = smallest).await;
    assert_eq!(Ask::get("/numbers/1").of(fixture.addr).await.status, 200);
    Ask::new("POST", "/greetings").json("{}").of(fixture.addr).await.problem(413, "body-too-large");
}
