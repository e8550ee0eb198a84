//! A store that is restored from a copy while everybody else went on: nobody is answered by it whom nobody else will ever
//! hear, until an operator opens a new history; from then on everything goes its way.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
    time::Duration,
};

use bongsu_runtime::{Deed, Runtime};
use bongsu_sim::{Failure, Plan, Sim, check::Checked, run};
use delivery::Who;
use ordering_domain::order::Orders;
use product_domain::reservation::Reservation;

use crate::{
    clients,
    world::{Mall, Shape},
};

/// The context whose store is lost.
const CONTEXT: &str = "ordering";
/// So long an order waits for stock and payment.
const WINDOW_MS: i64 = 4_000;
/// Seeds of an ordinary run.
const SEEDS: u64 = 5;

/// Customers who order, one after another.
async fn orders(mall: &Mall, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let customer = mall.clone();
        mall.sim.spawn("customer", async move { clients::order(&customer, number).await });
        mall.sim.sleep(Duration::from_millis(200)).await;
    }
}

/// The orders that ordering holds.
fn placed(mall: &Mall) -> BTreeSet<String> {
    mall.evidence_of(CONTEXT).states_of::<Orders>().keys().cloned().collect()
}

/// Everything the restored store holds was told: each fact of it is in its topic, byte for byte.
fn what_it_holds_is_told(mall: &Mall) -> Checked {
    let mut told = BTreeSet::new();
    mall.broker.each(CONTEXT, |_, message, _| {
        told.insert(message.cloudevent.clone());
        Ok(())
    })?;
    mall.stores[CONTEXT].look_at_facts(|all| {
        let facts: Vec<_> = all.iter().flat_map(|told| &told.facts).collect();
        match facts.iter().find(|fact| !told.contains(&fact.cloudevent)) {
            Some(fact) => Err(format!("{} of {} is in the store and was never told", fact.sequence, fact.subject)),
            None => Ok(facts.len() as u64),
        }
    })
}

/// Opens a new history; how many facts the others heard that the restored store does not hold.
async fn adopt(mall: &Mall) -> Result<u64, Failure> {
    for _ in 0..100 {
        let node = mall.node(CONTEXT, 0);
        let asked = node.ask("adopt", |runtime: Arc<Runtime>| async move {
            let deed = Deed::new("olga", Some("the store was restored from a copy")).ok()?;
            runtime.handle().operator().adopt(&deed).await.ok()
        });
        if let Some(Ok(Some(Some(adoption)))) = mall.sim.timeout(Duration::from_secs(5), asked).await {
            return Ok(adoption.orphans);
        }
        mall.sim.sleep(Duration::from_millis(200)).await;
    }
    Err(Failure::Stuck("nobody opens a new history".into()))
}

async fn scenario(sim: Sim) -> Result<u64, Failure> {
    let shape = Shape { instances: 1, courier: Who::Auto, window_ms: WINDOW_MS, older: None, bug: None };
    let mall = Mall::start(&sim, shape);
    clients::stock_up(&mall).await;
    orders(&mall, 0..10).await;
    let copy = mall.stores[CONTEXT].copy();
    orders(&mall, 10..25).await;
    sim.sleep(Duration::from_secs(5)).await;
    let node = mall.node(CONTEXT, 0);
    node.crash();
    mall.stores[CONTEXT].set_back(&copy);
    let before = placed(&mall);
    node.restart();
    orders(&mall, 25..45).await;
    sim.sleep(Duration::from_secs(15)).await;
    let taken: Vec<String> = placed(&mall).difference(&before).cloned().collect();
    sim.check("I2 a restored store takes no order", if taken.is_empty() { Ok(1) } else { Err(format!("{taken:?}")) })?;
    let orphans = adopt(&mall).await?;
    sim.check("a restored store lacks what the others heard", Ok(orphans))?;
    orders(&mall, 45..60).await;
    sim.sleep(Duration::from_secs(30)).await;
    sim.check("I2 what an adopted store holds is told", what_it_holds_is_told(&mall))?;
    let reservations = mall.evidence_of("product").states_of::<Reservation>();
    let accepted = mall.history.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let late = placed(&mall).difference(&before).filter(|order| accepted.iter().any(|op| op.order == **order)).count();
    let heard = placed(&mall).into_iter().filter(|order| !before.contains(order) && !reservations.contains_key(order));
    let unheard: Vec<String> = heard.collect();
    let answered =
        if unheard.is_empty() { Ok(late as u64) } else { Err(format!("product never heard of {unheard:?}")) };
    sim.check("orders go their way after a new history was opened", answered)?;
    Ok(orphans)
}

#[test]
fn a_restored_store_answers_nobody_whom_nobody_will_hear() {
    for seed in 1..=SEEDS {
        let outcome = run(seed, Plan::calm(), scenario);
        let orphans = outcome.result.unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
        assert!(orphans > 0, "seed {seed}: nothing was lost by the restored store");
        println!("seed {seed}: {orphans} facts were heard that the restored store does not hold");
    }
}
