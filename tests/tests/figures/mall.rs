//! The mall as it is, at a few orders a second.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use ordering_domain::{events::OrderEvent, order::Orders};
use system_tests::{
    evidence::Evidence,
    harness::{Mall, system::System, wait},
    rules,
};

use crate::{
    machine::pss_mb,
    table::{percentile, percentiles},
};

/// Orders placed, at ten a second.
const ORDERS: u64 = 100;
const BETWEEN: Duration = Duration::from_millis(100);

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn figures() {
    let start = wait::now();
    let mall = Mall::start(System::of_the_mall());
    println!("bongsu up on an empty data folder, to all ready: {:.2?}", start.elapsed());
    let received = mall.post("/stock/TV/receipts", "figures stock", &serde_json::json!({ "quantity": 100_000 }));
    assert_eq!(received.status, 201, "{}", received.json());
    println!("sum of PSS over all processes, idle: {:.0} MB", pss_of(&mall));
    println!("POST /orders to 202: {}", percentiles(&place(&mall, "figures", (ORDERS, BETWEEN)).1));
    println!("sum of PSS over all processes, after {ORDERS} orders: {:.0} MB", pss_of(&mall));
    mall.quiesce(Duration::from_secs(60), &rules::ALL[1..2]);
    let confirmed = confirmed(&mall.end(), |_| true);
    assert_eq!(confirmed.len() as u64, ORDERS, "every order was confirmed");
    println!("placed to confirmed at 10 orders/s, by the times of the events: {}", percentiles(&confirmed));
}

/// Orders there are before, so that a rebuild has something to read.
const HISTORY: u64 = 1_000;
/// Orders placed at twenty a second, without and with rebuilds.
const TWENTY: (u64, Duration) = (300, Duration::from_millis(50));

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn orders_while_read_models_are_rebuilt() {
    let mall = Mall::start(System::of_the_mall());
    let received = mall.post("/stock/TV/receipts", "figures stock", &serde_json::json!({ "quantity": 100_000 }));
    assert_eq!(received.status, 201, "{}", received.json());
    (0..HISTORY).for_each(|number| drop(mall.buy(&format!("before {number}"), &[("TV", 1)])));
    mall.quiesce(Duration::from_secs(120), &rules::ALL[1..2]);
    let quiet = place(&mall, "quiet", TWENTY);
    let (end, rebuilt) = (AtomicBool::new(false), AtomicU64::new(0));
    let again = |context: &'static str, read_model: &'static str| {
        while !end.load(Ordering::Relaxed) {
            mall.said_by(&["rebuild", context, read_model]);
            rebuilt.fetch_add(1, Ordering::Relaxed);
        }
    };
    let during = thread::scope(|scope| {
        scope.spawn(|| again("mypage", "order-history"));
        scope.spawn(|| again("ordering", "orders-of-customer"));
        let during = place(&mall, "rebuilt", TWENTY);
        end.store(true, Ordering::Relaxed);
        during
    });
    println!("at 20 orders/s, without and with rebuilds, {} in all:", rebuilt.load(Ordering::Relaxed));
    compare("POST /orders to 202", &quiet.1, &during.1);
    mall.quiesce(Duration::from_secs(120), &rules::ALL[1..2]);
    let evidence = mall.end();
    let [quiet, during] = [quiet.0, during.0].map(|orders| confirmed(&evidence, |order| orders.contains(order)));
    assert_eq!((quiet.len() as u64, during.len() as u64), (TWENTY.0, TWENTY.0), "every order was confirmed");
    compare("placed to confirmed, by the times of the events", &quiet, &during);
}

/// Prints a figure without and with rebuilds, and how many times longer its p99 is.
fn compare(what: &str, quiet: &[f64], during: &[f64]) {
    println!("{what}, without: {}", percentiles(quiet));
    println!("{what}, with: {}", percentiles(during));
    println!("{what}: p99 is {:.2} times as long", percentile(during, 0.99) / percentile(quiet, 0.99));
}

/// How long orders took from placed to confirmed, by the times of the events, milliseconds.
fn confirmed(evidence: &Evidence, wanted: impl Fn(&str) -> bool) -> Vec<f64> {
    let (mut placed, mut confirmed) = (BTreeMap::new(), Vec::new());
    let events = evidence.store("ordering").events_of::<Orders>();
    for (order, event) in events.iter() {
        match event {
            OrderEvent::Placed(e) => {
                placed.insert(order, e.placed_at_ms);
            }
            OrderEvent::Confirmed(e) if wanted(order) => confirmed.push((e.at_ms - placed[order]) as f64),
            _ => {}
        }
    }
    confirmed
}

/// Places orders at even distances; which, and how long each was answered in, milliseconds.
fn place(mall: &Mall, name: &str, (orders, between): (u64, Duration)) -> (BTreeSet<String>, Vec<f64>) {
    let (begin, mut placed, mut answers) = (wait::now(), BTreeSet::new(), Vec::new());
    for number in 0..orders {
        let due = between * u32::try_from(number).expect("few");
        wait::until("the next arrival", Duration::from_secs(5), || {
            (begin.elapsed() >= due).then_some(()).ok_or_else(String::new)
        });
        let asked = wait::now();
        placed.insert(mall.buy(&format!("{name} {number}"), &[("TV", 1)]));
        answers.push(asked.elapsed().as_secs_f64() * 1_000.0);
    }
    (placed, answers)
}

/// Proportional set size of all processes.
fn pss_of(mall: &Mall) -> f64 {
    mall.ps().iter().filter_map(|process| process.pid).map(pss_mb).sum()
}
