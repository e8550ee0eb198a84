//! The figures the documentation states, measured on real processes. Ignored by ordinary test runs, because a
//! figure needs the machine for itself: `make bench`.

use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use ordering_domain::{events::OrderEvent, order::Orders};
use system_tests::{
    harness::{Mall, system::System, wait},
    rules,
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
    println!("sum of PSS over all processes, idle: {:.0} MB", pss_mb(&mall));
    println!("POST /orders to 202: {}", percentiles(place(&mall, "figures", (ORDERS, BETWEEN))));
    println!("sum of PSS over all processes, after {ORDERS} orders: {:.0} MB", pss_mb(&mall));
    mall.quiesce(Duration::from_secs(60), &rules::ALL[1..2]);
    let evidence = mall.end();
    let mut placed = BTreeMap::new();
    let mut confirmed = Vec::new();
    for (order, event) in evidence.store("ordering").events_of::<Orders>().iter() {
        match event {
            OrderEvent::Placed(e) => {
                placed.insert(order, e.placed_at_ms);
            }
            OrderEvent::Confirmed(e) => confirmed.push((e.at_ms - placed[order]) as f64),
            _ => {}
        }
    }
    assert_eq!(confirmed.len() as u64, ORDERS, "every order was confirmed");
    println!("placed to confirmed at 10 orders/s, by the times of the events: {}", percentiles(confirmed));
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
    println!("POST /orders to 202 at 20 orders/s: {}", percentiles(place(&mall, "quiet", TWENTY)));
    let (end, rebuilt) = (AtomicBool::new(false), AtomicU64::new(0));
    let again = |context: &'static str, read_model: &'static str| {
        while !end.load(Ordering::Relaxed) {
            mall.said_by(&["rebuild", context, read_model]);
            rebuilt.fetch_add(1, Ordering::Relaxed);
        }
    };
    let answers = thread::scope(|scope| {
        scope.spawn(|| again("mypage", "order-history"));
        scope.spawn(|| again("ordering", "orders-of-customer"));
        let answers = place(&mall, "rebuilt", TWENTY);
        end.store(true, Ordering::Relaxed);
        answers
    });
    let rebuilt = rebuilt.load(Ordering::Relaxed);
    println!("the same while read models are rebuilt, {rebuilt} times in all: {}", percentiles(answers));
    mall.quiesce(Duration::from_secs(120), &rules::ALL[1..2]);
}

/// Places orders at even distances; how long each was answered in, milliseconds.
fn place(mall: &Mall, name: &str, (orders, between): (u64, Duration)) -> Vec<f64> {
    let (begin, mut answers) = (wait::now(), Vec::new());
    for number in 0..orders {
        let due = between * u32::try_from(number).expect("few");
        wait::until("the next arrival", Duration::from_secs(5), || {
            (begin.elapsed() >= due).then_some(()).ok_or_else(String::new)
        });
        let asked = wait::now();
        mall.buy(&format!("{name} {number}"), &[("TV", 1)]);
        answers.push(asked.elapsed().as_secs_f64() * 1_000.0);
    }
    answers
}

fn percentiles(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    format!("p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms (n = {})", at(0.5), at(0.95), at(0.99), values.len())
}

/// Proportional set size, as the kernel accounts shared pages, from `smaps_rollup`.
fn pss_mb(mall: &Mall) -> f64 {
    let kib = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("our own process");
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).expect("the kernel says Pss");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number")
    };
    mall.ps().iter().filter_map(|process| process.pid).map(kib).sum::<f64>() / 1_024.0
}
