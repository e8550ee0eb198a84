//! What the gateway costs: beside nginx in front of the same upstream, for a token seen first, and in memory.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, header};
use serde_json::json;
use system_tests::harness::people::CUSTOMER;

use crate::{
    callers::{Ask, Callers, Connection, always, get},
    machine::{processor_of, pss_mb},
    nginx::Nginx,
    street::{PATH, Street},
    table::{Row, each, median},
};

/// Connections at once.
const CALLERS: usize = 64;
/// In a round, of which each proxy has as many in turn: half a second of processor time, fifty times what it is counted in.
const REQUESTS: u64 = 10_000;
/// Medians of so many.
const ROUNDS: usize = 7;
/// Before anything is counted: connections, tokens and buckets are there.
const WARM: u64 = 2_000;
/// Different tokens: what one costs is told from the others' by hundreds of ticks.
const TOKENS: usize = 3_000;
/// Of the cached ones, in the same number of requests.
const PASSES: usize = 3;

/// Between two looks at how much memory there is.
const LOOK: Duration = Duration::from_millis(100);

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn the_gateway_beside_nginx() {
    let (street, callers) = (Street::open(), Callers::new());
    let (gateway, token) = (vec![street.gateway_process()], street.token());
    let ask = always(PATH, &token);
    callers.at_once(street.gateway, CALLERS, WARM, &ask).all_well();
    let Some(nginx) = Nginx::before(street.constant) else {
        let alone: Vec<f64> = (0..ROUNDS).map(|_| each_us(&callers, street.gateway, &gateway, &ask)).collect();
        let measured = format!("{:.0} µs", median(&alone));
        let beside = "left out: nginx is not installed".to_owned();
        return Row { what: GATEWAY, gate: "≤ 1.5 × nginx", measured, beside }.print();
    };
    callers.at_once(nginx.address, CALLERS, WARM, &ask).all_well();
    let processes = nginx.processes();
    let round = |_| {
        let ours = each_us(&callers, street.gateway, &gateway, &ask);
        (ours, each_us(&callers, nginx.address, &processes, &ask))
    };
    let (ours, theirs): (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(round).unzip();
    assert!(nginx.logged() as u64 >= REQUESTS * ROUNDS as u64, "nginx wrote its log, too");
    let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
    println!("gateway over nginx in {ROUNDS} rounds in turns: {}", each(&ratios));
    Row {
        what: GATEWAY,
        gate: "≤ 1.5 × nginx",
        measured: format!("{:.1} µs", median(&ours)),
        beside: format!("nginx {:.1} µs: {:.2} ×", median(&theirs), median(&ratios)),
    }
    .print();
}

const GATEWAY: &str = "gateway's processor time per GET with route, cached token, limit, breaker and access log";

/// Processor time of a proxy for each request of a round, in microseconds.
fn each_us(callers: &Callers, at: SocketAddr, processes: &[u32], ask: &Ask) -> f64 {
    let before = processor_of(processes);
    callers.at_once(at, CALLERS, REQUESTS, ask).all_well();
    (processor_of(processes) - before).as_secs_f64() * 1e6 / REQUESTS as f64
}

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn a_token_that_is_seen_for_the_first_time() {
    let (street, callers) = (Street::open(), Callers::new());
    let gateway = [street.gateway_process()];
    callers.at_once(street.gateway, CALLERS, WARM, &always(PATH, &street.token())).all_well();
    let tokens = tokens(&street, &callers);
    let ask: Ask = Arc::new(move |number| get(PATH, &tokens[number as usize % TOKENS]));
    let pass = || {
        let before = processor_of(&gateway);
        callers.at_once(street.gateway, CALLERS, TOKENS as u64, &ask).all_well();
        (processor_of(&gateway) - before).as_secs_f64() * 1e6 / TOKENS as f64
    };
    let first = pass();
    let cached: Vec<f64> = (0..PASSES).map(|_| pass()).collect();
    Row {
        what: "a token seen for the first time, processor time above a cached one",
        gate: "≤ 100 µs",
        measured: format!("{:.0} µs", first - median(&cached)),
        beside: format!("{TOKENS} tokens: {first:.0} µs first, {:.0} µs cached", median(&cached)),
    }
    .print();
}

/// So many different tokens of a customer.
fn tokens(street: &Street, callers: &Callers) -> Vec<String> {
    let bearer = format!("Bearer {}", street.mall.operator());
    let body = Bytes::from(json!({ "email": CUSTOMER }).to_string());
    let ask = || {
        let request = Request::post("/identity/demonstration/tokens").header(header::AUTHORIZATION, &bearer);
        request.header(header::CONTENT_TYPE, "application/json").body(Full::new(body.clone())).expect("a request")
    };
    callers.wait_for(async {
        let (mut connection, mut tokens) = (Connection::to(street.gateway), Vec::with_capacity(TOKENS));
        for _ in 0..TOKENS {
            let answer = connection.ask(ask()).await.unwrap_or_else(|why| panic!("{why}"));
            let given: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
            tokens.push(given["access_token"].as_str().unwrap_or_else(|| panic!("{given}")).to_owned());
        }
        tokens
    })
}

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn the_gateways_memory() {
    let (street, callers) = (Street::open(), Callers::new());
    let (gateway, over) = (street.gateway_process(), AtomicBool::new(false));
    let idle = pss_mb(gateway);
    let ask = always(PATH, &street.token());
    let most = thread::scope(|scope| {
        let looks = scope.spawn(|| {
            let mut most = 0.0_f64;
            while !over.load(Ordering::Relaxed) {
                most = most.max(pss_mb(gateway));
                thread::park_timeout(LOOK);
            }
            most
        });
        callers.at_once(street.gateway, CALLERS, REQUESTS * 2, &ask).all_well();
        over.store(true, Ordering::Relaxed);
        looks.join().expect("it looks")
    });
    Row {
        what: "gateway's memory (PSS) at 64 connections",
        gate: "≤ 16 MB",
        measured: format!("{most:.1} MB"),
        beside: format!("idle {idle:.1} MB"),
    }
    .print();
}
