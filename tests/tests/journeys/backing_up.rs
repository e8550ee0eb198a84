//! A backup made while customers buy, started elsewhere: nothing of what it holds is lost or doubled. And a copy of the
//! databases alone of a system that was stopped.

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::Duration,
};

use ordering_domain::order::Orders;
use system_tests::{
    evidence::{Evidence, Heard, Op},
    harness::{Mall, system::System, wait::until},
    rules::{self, Rule},
};

const CUSTOMERS: usize = 6;
/// Orders before the backup begins, and after it was made.
const SOME: usize = 25;
const PATIENCE: Duration = Duration::from_secs(90);

fn quick() -> System {
    System::of_the_mall().set("delivery", "depart_after_ms", 100).set("delivery", "complete_after_ms", 100)
}

fn order(mall: &Mall, number: u32) -> Op {
    let placed = mall.place(&format!("backed up {number}"), &[("HARP", 1)]);
    Op { order: placed.order, heard: placed.heard, answers: Vec::new() }
}

/// The rules that need neither the books of the provider, which is another one after a restore, nor a complete history.
fn without_the_provider() -> Vec<Rule> {
    let out = [
        "I1 no lost and no phantom order",
        "I7 money is conserved",
        "I7 our books are the provider's books",
        "I12 one key has one reply and one effect",
    ];
    let rules: Vec<Rule> = rules::ALL.iter().filter(|(name, _)| !out.contains(name)).copied().collect();
    assert_eq!(rules.len(), rules::ALL.len() - out.len());
    rules
}

fn orders_of(evidence: &Evidence) -> BTreeSet<String> {
    evidence.store("ordering").states_of::<Orders>().keys().cloned().collect()
}

fn accepted(mall: &Mall) -> BTreeSet<String> {
    mall.asked().into_iter().filter(|op| op.heard == Heard::Accepted).map(|op| op.order).collect()
}

/// Customers buy, and meanwhile a backup is made: what was accepted before it began, and how many orders were tried.
fn backed_up_under_load(mall: &Mall, backup: &str) -> (BTreeSet<String>, u32) {
    let (next, over) = (AtomicU32::new(0), AtomicBool::new(false));
    let before = thread::scope(|scope| {
        for _ in 0..CUSTOMERS {
            scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    let op = order(mall, next.fetch_add(1, Ordering::Relaxed));
                    assert_eq!(op.heard, Heard::Accepted, "commands are never held");
                }
            });
        }
        let enough = |more: usize| {
            until("customers are served", PATIENCE, || {
                let there = accepted(mall).len();
                if there >= more { Ok(()) } else { Err(format!("{there} orders")) }
            });
        };
        let backed_up = || {
            enough(SOME);
            let before = accepted(mall);
            mall.said_by(&["backup", backup]);
            enough(accepted(mall).len() + SOME);
            before
        };
        let outcome = catch_unwind(AssertUnwindSafe(backed_up));
        over.store(true, Ordering::Release);
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    });
    (before, next.into_inner())
}

#[test]
fn a_backup_under_load_is_one_moment_and_starts_elsewhere_without_more_ado() {
    let mall = Mall::start(quick().instances("ordering", 2));
    mall.put_on_sale("HARP", 250_000, 100_000);
    let backup = mall.system().folder().join("backup").display().to_string();
    let (before, tried) = backed_up_under_load(&mall, &backup);
    let everything = accepted(&mall);
    let elsewhere = quick();
    let output = elsewhere.bongsu().args(["restore", &backup]).output().expect("bongsu can be started");
    assert!(output.status.success(), "{output:?}");
    // The first one runs on beside it.
    let restored = Mall::start(elsewhere);
    let rules = without_the_provider();
    let held = orders_of(&restored.quiesce(PATIENCE, &rules));
    assert!(held.is_superset(&before), "accepted before the backup began, and lost: {:?}", before.difference(&held));
    assert!(held.is_subset(&everything), "nobody asked for {:?}", held.difference(&everything));
    assert!(held.len() < everything.len(), "it was made in the midst of it");
    // The same commands again are the same orders, as everywhere: no second ones, and those that came too late anew.
    let again: BTreeSet<String> = (0..tried).map(|number| order(&restored, number).order).collect();
    assert_eq!(again, everything);
    let new = restored.buy("a harp after the restore", &[("HARP", 1)]);
    restored.until_order(&new, &["COMPLETED"]);
    let evidence = restored.quiesce(PATIENCE, &rules);
    assert_eq!(orders_of(&evidence).len(), everything.len() + 1);
    restored.until_audited(&evidence);
    mall.quiesce(PATIENCE, rules::ALL);
    let refused = restored.bongsu(&["restore", &backup]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is not empty: name another folder"), "{refused:?}");
    restored.end();
    mall.end();
}

#[test]
fn a_copy_of_the_databases_alone_of_a_stopped_system_is_all_of_it() {
    let mall = Mall::start(quick());
    mall.put_on_sale("HARP", 250_000, 1_000);
    let orders: Vec<String> = (0..8).map(|number| mall.buy(&format!("harp {number}"), &[("HARP", 1)])).collect();
    mall.until_order(&orders[0], &["COMPLETED"]);
    let (data, copy) = (mall.system().data(), quick());
    mall.said_by(&["stop"]);
    fs::create_dir(copy.data()).expect("a folder can be made");
    for entry in fs::read_dir(&data).expect("the data folder is there").flatten() {
        if entry.path().extension().is_some_and(|end| end == "db") {
            fs::copy(entry.path(), copy.data().join(entry.file_name())).expect("a file can be copied");
        }
    }
    let again = Mall::start(copy);
    let evidence = again.quiesce(PATIENCE, &without_the_provider());
    assert_eq!(orders_of(&evidence), orders.iter().cloned().collect());
    orders.iter().for_each(|order| assert_eq!(again.order(order)["state"], "COMPLETED"));
    again.until_audited(&evidence);
    again.end();
}
