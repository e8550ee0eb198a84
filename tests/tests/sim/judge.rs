//! What is left to do, and what must be true: while a run goes on, and when it is quiet.

use std::{collections::BTreeMap, time::Duration};

use bongsu_memory::MemoryStore;
use bongsu_runtime::ports::broker::Partition;
use bongsu_sim::{Failure, Sim, check};
use system_tests::{
    evidence::{Evidence, is_clock},
    rules,
};

use crate::{ledger, rebuilds, world::Mall};

/// What must be true at every moment of a run.
pub(crate) fn watch(mall: &Mall) {
    for (&context, store) in &mall.stores {
        let store = store.clone();
        mall.sim.watch("I5 lanes stay safe", mall.lanes[context].stay_safe());
        mall.sim.watch("I15 only the owner writes", check::only_the_owner_writes(context, store.clone()));
        if matches!(context, "ordering" | "delivery" | "audit") {
            mall.sim.watch("I9 timers are kept", check::timers_are_kept(context, store.clone()));
        }
        if context != "mypage" {
            mall.sim.watch("I3 published in order", check::published_in_order(store.clone(), context));
            mall.sim.watch("I2 published is committed", check::published_is_committed(store, context));
        }
    }
}

/// Waits until nothing is left to do. A run that never gets there may have broken a rule on the way, which says more.
pub(crate) async fn quiet(sim: &Sim, mall: &Mall, within: Duration) -> Result<(), Failure> {
    let (asked, mut known) = (mall.clone(), Known::default());
    let quiet = sim.quiesce(within, move || left(&asked, &mut known)).await;
    if quiet.is_err() {
        let evidence = mall.evidence();
        let broken = rules::ALWAYS.iter().find_map(|(name, rule)| Some(format!("{name}: {}", rule(&evidence).err()?)));
        let unsafe_lanes =
            || mall.lanes.values().find_map(|lanes| Some(format!("I5 lanes are safe: {}", lanes.are_safe().err()?)));
        broken.or_else(unsafe_lanes).map_or(Ok(()), |broken| Err(Failure::Rule(broken)))?;
    }
    quiet
}

/// What must be true of a quiet system.
pub(crate) fn judge(sim: &Sim, mall: &Mall) -> Result<(), Failure> {
    let evidence = mall.evidence();
    // A run without a parked fact has looked at none; the ledger says that some run has.
    let isolated = rules::poison::isolated(&evidence);
    if isolated.as_ref().map_or(true, |isolated| isolated.parked > 0) {
        let looked = isolated.clone().map(|isolated| isolated.parked + isolated.went_on);
        sim.check("I16 poison parks its key only", looked)?;
    }
    ledger::note_poison(sim, isolated.unwrap_or_default());
    for (name, rule) in rules::ALL {
        sim.check(name, rule(&evidence))?;
    }
    if mall.stores.contains_key("audit") {
        let (name, rule) = rules::AUDITED;
        sim.check(name, rule(&evidence))?;
    }
    // A context may have nothing to say in a run: where nobody could pay, payment tells nothing. Some context has.
    let mut told = 0;
    let mut in_order = 0;
    for (&context, store) in &mall.stores {
        // A run in which nothing was paid has nothing to deliver; the ledger says that most have.
        if !store.is_empty() {
            sim.check("I3 order in the store", check::order_in_store(store))?;
            told += seen("I2 atomic publish", check::atomic_publish(store, &mall.broker, context))?;
            // Of what was forgotten and published again the last is in front; that facts left in order was watched.
            if !mall.cut.has(context) {
                in_order += seen("I3 order in the topic", check::order_in_partitions(store, &mall.broker, context))?;
            }
        }
        sim.check("I5 lanes are safe", mall.lanes[context].are_safe())?;
    }
    sim.check("I2 atomic publish", Ok(told))?;
    if mall.stores.keys().any(|context| !mall.cut.has(context)) {
        sim.check("I3 order in the topic", Ok(in_order))?;
    }
    sim.check("I5 every fact was applied", every_fact_was_applied(mall))?;
    // A run without a snapshot has looked at none; the ledger says that some run has.
    let sound = rules::snapshots::are_sound(&evidence);
    if sound != Ok(0) {
        sim.check("I11 snapshots are sound", sound)?;
    }
    // Copies may be among what was forgotten.
    let repeated = if mall.cut.any() { 0..=mall.door.repeated() } else { mall.door.repeated()..=mall.door.repeated() };
    sim.check("I2 published once", check::published_once(&mall.broker, repeated))?;
    ledger::note(sim, &evidence);
    Ok(())
}

/// What a rule looked at, which may be nothing.
fn seen(name: &str, checked: check::Checked) -> Result<u64, Failure> {
    checked.map_err(|why| Failure::Rule(format!("{name}: {why}")))
}

/// By the facts of all contexts: each consumer has applied each that it hears.
fn every_fact_was_applied(mall: &Mall) -> check::Checked {
    let mut looked = 0;
    for store in mall.stores.values() {
        let facts = check::facts_to_hear(store)?;
        looked += mall.lanes.values().map(|lanes| lanes.have_applied(&facts)).sum::<check::Checked>()?;
    }
    Ok(looked)
}

/// What the dear questions of [`left`] were last asked of, and their answer.
#[derive(Default)]
struct Known {
    /// Events in all stores, messages in all topics.
    size: (usize, u64),
    left: Vec<String>,
}

/// What is not done yet: to-dos, facts not heard, facts not published, orders without an end. The cheap
/// questions come first, because this is asked ten times per virtual second.
fn left(mall: &Mall, known: &mut Known) -> Vec<String> {
    let todo = |(context, store): (&&str, &MemoryStore)| {
        let todos = store.docs_of("todo").into_iter().filter(|doc| !is_clock(&doc.key.id));
        todos.map(|doc| format!("{context}: {}", doc.key.id)).collect::<Vec<_>>()
    };
    let todos: Vec<String> = mall.stores.iter().flat_map(todo).collect();
    if !todos.is_empty() {
        return todos;
    }
    if let Some(rebuild) = rebuilds::left(mall) {
        return vec![rebuild];
    }
    if let Some(unfilled) = mall.cut.left() {
        return vec![unfilled];
    }
    if behind(mall) {
        return vec!["facts are not heard yet".into()];
    }
    let ends: u64 = ends(mall).values().sum();
    let size = (mall.stores.values().map(MemoryStore::len).sum(), ends);
    if known.size != size {
        *known = Known { size, left: unpublished_or_unended(mall) };
    }
    known.left.clone()
}

fn unpublished_or_unended(mall: &Mall) -> Vec<String> {
    let unpublished =
        |(context, store): (&&str, &MemoryStore)| check::atomic_publish(store, &mall.broker, context).err();
    let unpublished: Vec<String> =
        mall.stores.iter().filter(|(context, _)| **context != "mypage").filter_map(unpublished).collect();
    if !unpublished.is_empty() {
        return unpublished;
    }
    let stores = [("ordering", mall.evidence_of("ordering"))].into();
    let orders = Evidence { stores, ledger: serde_json::Value::Null, history: Vec::new() };
    rules::orders::every_order_has_ended(&orders).err().into_iter().collect()
}

/// The next offset of every partition.
fn ends(mall: &Mall) -> BTreeMap<Partition, u64> {
    mall.broker.topics().iter().flat_map(|topic| mall.broker.ends(topic)).collect()
}

/// Whether some consumer has not read everything.
fn behind(mall: &Mall) -> bool {
    let ends = ends(mall);
    let unread = |(_, partition, next): (String, Partition, u64)| ends.get(&partition).is_some_and(|end| *end > next);
    mall.stores.values().any(|store| cursors(store).into_iter().any(unread))
}

fn cursors(store: &MemoryStore) -> Vec<(String, Partition, u64)> {
    let mut cursors = Vec::new();
    for doc in store.docs_of("cursor") {
        let mut parts = doc.key.id.rsplitn(3, '/');
        let (index, topic, consumer) = (parts.next(), parts.next(), parts.next());
        let (Some(index), Some(topic), Some(consumer)) = (index, topic, consumer) else { continue };
        let value: serde_json::Value = serde_json::from_slice(&doc.data).unwrap_or_default();
        let (Ok(index), Some(next)) = (index.parse(), value["offset"].as_u64()) else { continue };
        cursors.push((consumer.to_owned(), Partition { topic: topic.to_owned(), index }, next));
    }
    cursors
}
