//! The figures the documentation states, measured on real processes. Ignored by ordinary test runs, because a
//! figure needs the machine for itself: `make bench`.

use std::{collections::BTreeMap, fs, time::Duration};

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
    let (begin, mut answers) = (wait::now(), Vec::new());
    for number in 0..ORDERS {
        let due = BETWEEN * u32::try_from(number).expect("few");
        wait::until("the next arrival", Duration::from_secs(5), || {
            (begin.elapsed() >= due).then_some(()).ok_or_else(String::new)
        });
        let asked = wait::now();
        mall.buy(&format!("figures {number}"), &[("TV", 1)]);
        answers.push(asked.elapsed().as_secs_f64() * 1_000.0);
    }
    println!("POST /orders to 202: {}", percentiles(answers));
    println!("sum of PSS over all processes, after {ORDERS} orders: {:.0} MB", pss_mb(&mall));
    mall.quiesce(Duration::from_secs(60), &rules::ALL[1..2]);
    let evidence = mall.end();
    let mut placed = BTreeMap::new();
    let mut confirmed = Vec::new();
    for (order, event) in evidence.store("ordering").events_of::<Orders>() {
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
