//! The kill matrix: customers keep buying while every 500 ms some process of the mall dies of `kill -9`. What
//! is left behind is judged by the same rules as the simulator's runs. `SEED=n` kills in the same order again.

mod chance;
mod customers;
mod killer;

use std::{collections::BTreeMap, sync::atomic::AtomicBool, thread, time::Duration};

use system_tests::{
    harness::{
        Mall,
        system::System,
        wait::{now, until},
    },
    rules,
};

use crate::{
    chance::Chance,
    killer::{Killer, Kills},
};

/// Orders of a run.
const ORDERS: u32 = 300;
/// A busy machine is given so long to bring every order to its end.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn whatever_is_killed_nothing_is_lost_or_doubled() {
    let seed = chance::seed();
    println!("SEED={seed}");
    let began = now();
    let mall = Mall::start(System::of_the_mall());
    fill_the_shelves(&mall);
    let over = AtomicBool::new(false);
    let (heard, kills) = thread::scope(|scope| {
        let killer = scope.spawn(|| Killer::new(&mall, Chance::new(seed)).until(&over));
        let heard = customers::buy(&mall, ORDERS, &over);
        (heard, killer.join().expect("the killer ends when the customers have"))
    });
    println!("{heard}, after {:.1?}", began.elapsed());
    let healed = now();
    until("everybody is back", PATIENCE, || everybody_stands(&mall));
    let evidence = mall.quiesce(PATIENCE, rules::ALL);
    println!("quiet {:.1?} after the last kill", healed.elapsed());
    println!("the audit agrees about {} orders", mall.until_audited(&evidence));
    compare(&mall, &kills);
    kills.print();
    let judged = rules::check(&mall.end()).unwrap_or_else(|broken| panic!("SEED={seed}: {broken}"));
    judged.iter().for_each(|(rule, looked)| println!("   {rule}: {looked} looked at"));
    println!("That took {:.0?}.", began.elapsed());
}

/// Enough of everything but of TVs, which run out.
fn fill_the_shelves(mall: &Mall) {
    for sku in ["MASK", "NOTEBOOK", "TABLE", "CLOCK"] {
        let receipt = serde_json::json!({ "quantity": 2_000 });
        let _ = mall.post(&format!("/stock/{sku}/receipts"), &format!("fill {sku}"), &receipt).expect(201);
        mall.until_sold(sku);
    }
    mall.until_sold("TV");
}

fn everybody_stands(mall: &Mall) -> Result<(), String> {
    match mall.ps().iter().find(|process| process.state != "ready") {
        Some(process) => Err(format!("{process:?}")),
        None => Ok(()),
    }
}

/// Every restart is one of our kills: nobody died of anything else. And everybody was killed.
fn compare(mall: &Mall, kills: &Kills) {
    let restarts: BTreeMap<String, u32> = mall.ps().into_iter().map(|it| (it.instance, it.restarts)).collect();
    assert_eq!(restarts, kills.count(), "restarts, and kills");
    assert!(restarts.values().all(|count| *count > 0), "somebody was never killed: {restarts:?}");
}
