//! How soon a service that breaks every connection is left alone, how often it is asked meanwhile, and how it comes back.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use system_tests::harness::{http::Response, wait::now};

use crate::{
    callers::{Callers, Connection, get, text},
    street::Street,
    table::Row,
};

/// What is below the part of the constant that can be sick.
const SICK: &str = "/sick/1";
/// Asked while it is sick, ten milliseconds apart: longer than a breaker is open at first.
const ASKED: u64 = 300;
const BETWEEN: Duration = Duration::from_millis(10);
/// It is well again when so many in a row are answered; longer than this nobody waits for it.
const IN_A_ROW: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn a_service_that_breaks_and_recovers() {
    let (street, callers) = (Street::open(), Callers::new());
    let token = street.token();
    callers.wait_for(async {
        let mut gateway = Connection::to(street.gateway);
        tell(street.constant, "PUT").await;
        let failed = until_open(&mut gateway, &token).await;
        let asked = failed.calls + asked_on(&mut gateway, &token).await;
        let reached: u64 = text(&tell(street.constant, "GET").await).parse().expect("a number");
        tell(street.constant, "DELETE").await;
        let recovered = until_well(&mut gateway, &token).await;
        print(&failed, (asked, reached), recovered);
    });
}

/// What it took to be left alone.
struct Opened {
    calls: u64,
    after: Duration,
}

fn print(opened: &Opened, (asked, reached): (u64, u64), recovered: Duration) {
    Row {
        what: "a breaker opens",
        gate: "within 20 failed calls or 1 s",
        measured: format!("{} failed calls", opened.calls),
        beside: format!("{:.0} ms, one caller", opened.after.as_secs_f64() * 1e3),
    }
    .print();
    Row {
        what: "calls that reach a service that breaks connections, over those of callers",
        gate: "≤ 1.2",
        measured: format!("{:.2}", reached as f64 / asked as f64),
        beside: format!("{reached} of {asked} GET, which may be sent again"),
    }
    .print();
    Row {
        what: "it is asked as before, after it is well",
        gate: "by itself",
        measured: format!("{:.1} s", recovered.as_secs_f64()),
        beside: format!("{IN_A_ROW} answers in a row"),
    }
    .print();
}

/// Says to the constant itself how it is, or asks how often it was asked.
async fn tell(constant: SocketAddr, method: &str) -> Response {
    let request = Request::builder().method(method).uri("/sick").body(Full::<Bytes>::default()).expect("a request");
    Connection::to(constant).ask(request).await.unwrap_or_else(|why| panic!("{method} /sick: {why}"))
}

async fn ask(gateway: &mut Connection, token: &str) -> Response {
    gateway.ask(get(SICK, token)).await.unwrap_or_else(|why| panic!("the gateway answers: {why}"))
}

async fn until_open(gateway: &mut Connection, token: &str) -> Opened {
    let (began, mut calls) = (now(), 0);
    while !text(&ask(gateway, token).await).contains("/errors/circuit-open") {
        calls += 1;
        assert!(began.elapsed() < PATIENCE, "it opens");
    }
    Opened { calls, after: began.elapsed() }
}

/// How many were asked.
async fn asked_on(gateway: &mut Connection, token: &str) -> u64 {
    let mut due = tokio::time::interval(BETWEEN);
    for _ in 0..ASKED {
        due.tick().await;
        assert!(ask(gateway, token).await.status >= 500, "it is sick");
    }
    // And the one that found it open.
    ASKED + 1
}

async fn until_well(gateway: &mut Connection, token: &str) -> Duration {
    let (began, mut well) = (now(), 0);
    let mut due = tokio::time::interval(BETWEEN);
    while well < IN_A_ROW {
        due.tick().await;
        well = if ask(gateway, token).await.status == 200 { well + 1 } else { 0 };
        assert!(began.elapsed() < PATIENCE, "it recovers");
    }
    began.elapsed()
}
