//! More and fewer instances while customers buy; some are killed, some stand still. Nothing is lost or doubled.

use std::{
    fs::File,
    os::unix::fs::MetadataExt,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::Duration,
};

use nix::sys::signal::Signal;
use system_tests::{
    evidence::Heard,
    harness::{
        Mall, Process,
        supervisor::signal,
        system::System,
        wait::{now, until},
    },
    rules,
};

const ORDERS: u32 = 200;
/// Between two customers.
const PACE: Duration = Duration::from_millis(60);
const CUSTOMERS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);
/// In so long the partitions are where they belong.
const MOVED: Duration = Duration::from_secs(3);
/// From one who is silent they are taken after 1.6 s of silence: in three seconds, on a machine that is not busy.
const TAKEN: Duration = Duration::from_secs(5);
const PROMISED: Duration = Duration::from_secs(3);
const LANES: &str = "bongsu_leases_held{kind=\"lane\"}";

#[test]
fn scaling_under_load_with_kills_and_pauses_loses_and_doubles_nothing() {
    let mall = Mall::start(System::of_the_mall());
    for sku in ["MASK", "NOTEBOOK", "TABLE"] {
        let receipt = serde_json::json!({ "quantity": 2_000 });
        let _ = mall.post(&format!("/stock/{sku}/receipts"), &format!("fill {sku}"), &receipt).expect(201);
        mall.until_sold(sku);
    }
    mall.until_sold("TV");
    thread::scope(|scope| {
        let customers = scope.spawn(|| buy(&mall));
        up_and_down(&mall);
        println!("{} attempts were repeated", customers.join().expect("everybody is served"));
    });
    mall.quiesce(PATIENCE, rules::ALL);
    let judged = rules::check(&mall.end()).unwrap_or_else(|broken| panic!("{broken}"));
    judged.iter().for_each(|(rule, looked)| println!("   {rule}: {looked} looked at"));
}

/// One, two, four, one: with a death at two, and a death and a stand-still at four.
fn up_and_down(mall: &Mall) {
    let lanes = ["ordering", "payment"].map(|name| (name, held(mall, &mall.instances(name))));
    for count in [2, 4] {
        scale(mall, &lanes, count);
        mall.said_by(&["kill", "ordering-1", &format!("payment-{count}")]);
        lanes.iter().for_each(|(name, all)| shared(mall, name, *all, count));
    }
    for (name, all) in lanes {
        pause(mall, name, all);
    }
    scale(mall, &lanes, 1);
}

/// Scales both and waits until each instance has its share of the lanes.
fn scale(mall: &Mall, lanes: &[(&str, f64)], count: usize) {
    let wishes = lanes.iter().map(|(name, _)| format!("{name}={count}"));
    let args: Vec<String> = std::iter::once("scale".to_owned()).chain(wishes).collect();
    mall.said_by(&args.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, all) in lanes {
        let (from, began) = (mall.instances(name).len(), now());
        assert_eq!(from, count);
        shared(mall, name, *all, count);
        println!("{name}={count}: shared evenly {:.0?} after all were ready", began.elapsed());
    }
}

/// Waits until every lane is held, and nobody has more than a share of them.
fn shared(mall: &Mall, name: &str, all: f64, count: usize) {
    until(&format!("the lanes of {name} are shared among {count}"), MOVED, || {
        let each: Vec<f64> = mall.instances(name).iter().map(|one| held(mall, std::slice::from_ref(one))).collect();
        // Each consumer and topic is shared by itself, rounded up: 8 partitions among 2 or 4 leave no rest.
        let even = each.iter().all(|held| *held == all / count as f64);
        if even && each.len() == count { Ok(()) } else { Err(format!("{each:?} of {all}")) }
    });
}

fn held(mall: &Mall, processes: &[Process]) -> f64 {
    processes.iter().filter_map(|process| mall.figure(process, LANES)).sum()
}

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn lanes_of_an_instance_that_stands_still() {
    let mall = Mall::start(System::of_the_mall());
    let name = "ordering";
    let all = held(&mall, &mall.instances(name));
    scale(&mall, &[(name, all)], 4);
    let mut took: Vec<Duration> = (0..40).map(|_| pause(&mall, name, all)).collect();
    took.sort();
    let [middle, last] = [took[took.len() / 2], took[took.len() - 1]];
    println!("lanes of an instance that stands still, with the others: p50 {middle:.2?}, max {last:.2?} (n = 40)");
    assert!(last < PROMISED, "{took:?}");
}

/// One stands still until the others have all its lanes; then it goes on. How long they took.
fn pause(mall: &Mall, name: &str, all: f64) -> Duration {
    let slot = format!("{name}-3");
    let (stopped, others): (Vec<Process>, Vec<Process>) =
        mall.instances(name).into_iter().partition(|process| process.instance == slot);
    let pid = stopped[0].pid.expect("it runs");
    stand_still(mall, name, pid);
    let began = now();
    until(&format!("the others have the lanes of {slot}"), TAKEN, || {
        let theirs = held(mall, &others);
        if theirs == all { Ok(()) } else { Err(format!("{theirs} of {all}")) }
    });
    let took = began.elapsed();
    println!("{slot} stands still: the others had its lanes after {took:.1?}");
    signal(pid, Signal::SIGCONT);
    shared(mall, name, all, 4);
    let of = |figure| mall.figure(&stopped[0], figure).unwrap_or_default();
    println!("{slot} went on: {} of its Commits were refused", of("bongsu_fenced_commits_total"));
    took
}

#[test]
fn an_instance_that_stops_in_the_midst_of_a_transaction_is_ended_and_its_twin_goes_on() {
    let mall = Mall::start(System::of_the_mall().instances("ordering", 2));
    mall.put_on_sale("HARP", 250_000, 100_000);
    let (over, next) = (AtomicBool::new(false), AtomicU32::new(0));
    let buy_one = || mall.place(&format!("stopped {}", next.fetch_add(1, Ordering::Relaxed)), &[("HARP", 1)]);
    let stopped = mall.instances("ordering").remove(0);
    let took = thread::scope(|scope| {
        for _ in 0..CUSTOMERS {
            scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    buy_one();
                }
            });
        }
        let stop = || {
            stop_in_a_transaction(&mall, "ordering", stopped.pid.expect("it runs"));
            let began = now();
            until("an order is accepted again", PATIENCE, || match buy_one() {
                placed if placed.heard == Heard::Accepted => Ok(()),
                placed => Err(format!("{placed:?}")),
            });
            began.elapsed()
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(stop));
        over.store(true, Ordering::Release);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    println!("the twin went on after {took:.1?}");
    // Five seconds are promised; the rest is for a machine that is busy.
    assert!(took < Duration::from_secs(10), "{took:?}");
    let said = mall.said_by(&["logs", "supervisor"]);
    assert!(said.contains("holds the file of ordering, for which others wait, and does not move"), "{said}");
    mall.quiesce(PATIENCE, rules::ALL);
    mall.end();
}

/// SIGSTOP while it writes, seen at the lock that it keeps.
fn stop_in_a_transaction(mall: &Mall, name: &str, pid: u32) {
    let path = mall.system().data().join(format!("{name}.db.lock"));
    until("it was stopped with the lock", PATIENCE, || {
        signal(pid, Signal::SIGSTOP);
        let inode = std::fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).ino();
        let held = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(1) == Some(&"FLOCK")
                && words.get(4) == Some(&pid.to_string().as_str())
                && words.get(5).is_some_and(|file| file.ends_with(&format!(":{inode}")))
        };
        let locks = std::fs::read_to_string("/proc/locks").expect("the kernel says who has which lock");
        if locks.lines().any(held) {
            return Ok(());
        }
        signal(pid, Signal::SIGCONT);
        thread::park_timeout(Duration::from_millis(1));
        Err("it has no lock".into())
    });
}

/// SIGSTOP while it does not write: an instance stopped there keeps the file from all others, and nothing moves until it
/// goes on (decision 0014). Whether it was is seen at the lock.
fn stand_still(mall: &Mall, name: &str, pid: u32) {
    let path = mall.system().data().join(format!("{name}.db.lock"));
    until("it was stopped without a lock", PATIENCE, || {
        signal(pid, Signal::SIGSTOP);
        let lock = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for _ in 0..50 {
            if lock.try_lock().is_ok() {
                return Ok(());
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        signal(pid, Signal::SIGCONT);
        Err("it has a lock".into())
    });
}

/// Customers who ask again under their key until they are answered; how often they had to.
fn buy(mall: &Mall) -> u32 {
    const GOODS: [&str; 3] = ["MASK", "NOTEBOOK", "TABLE"];
    let (next, again, began) = (AtomicU32::new(0), AtomicU32::new(0), now());
    let customer = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= ORDERS {
                return;
            }
            while let Some(rest) = (began + PACE * number).checked_duration_since(now()).filter(|rest| !rest.is_zero())
            {
                thread::park_timeout(rest);
            }
            let line = match number % 10 {
                // More than there will ever be.
                0 => ("TV", 50),
                _ => (GOODS[number as usize % 3], 1 + number % 3),
            };
            until("an answer", PATIENCE, || match mall.place(&format!("scaling {number}"), &[line]) {
                placed if placed.heard == Heard::Accepted => Ok(()),
                placed => {
                    again.fetch_add(1, Ordering::Relaxed);
                    Err(format!("{placed:?}"))
                }
            });
        }
    };
    thread::scope(|scope| (0..CUSTOMERS).for_each(|_| drop(scope.spawn(customer))));
    again.into_inner()
}
