//! One run: goods, customers, a moody provider, then healing, quiet, and judgement.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use audit_domain::{events::InspectionEvent, inspection::Inspections};
use bongsu_runtime::ports::broker::Partition;
use bongsu_testing::{
    MemoryStore,
    sim::{Failure, Sim, check},
};
use ordering_domain::{
    events::{CancelledWhy, OrderEvent, RejectedWhy},
    order::Orders,
};
use payment_domain::{events::PaymentEvent, payment::Payments};
use sandbox::provider::Mode;
use system_tests::{evidence::Evidence, rules};

use crate::{
    clients, rebuilds,
    world::{self, Mall},
};

/// Orders tried in one run.
const ORDERS: u64 = 250;
/// Virtual time in which they come.
const RUSH: Duration = Duration::from_secs(40);
/// A healed system is quiet after this: the deadline, the longest retry pause, a delivery, and slack.
const QUIET: Duration = Duration::from_secs(600);

pub(crate) async fn scenario(sim: Sim, phantom: bool) -> Result<u64, Failure> {
    let mall = Mall::start(&sim, phantom);
    let rebuilt = rebuilds::begin(&mall);
    clients::stock_up(&mall).await;
    let mut dice = sim.dice("rush");
    for number in 0..ORDERS {
        let customer = mall.clone();
        sim.spawn("customer", async move { clients::order(&customer, number).await });
        sim.sleep(dice.around(RUSH / ORDERS as u32)).await;
        if dice.below(8) == 0 {
            let mode = *dice.pick(&[Mode::Ok, Mode::Ok, Mode::Decline, Mode::Slow, Mode::Down]).expect("five");
            mall.behave(mode, dice.below(40_000) as u32);
        }
    }
    sim.sleep(Duration::from_secs(15)).await;
    sim.heal();
    mall.behave(Mode::Ok, 0);
    let (asked, mut known) = (mall.clone(), Known::default());
    sim.quiesce(QUIET, move || left(&asked, &mut known)).await?;
    if rebuilt {
        rebuilds::check(&mall).await?;
    }
    judge(&sim, &mall)?;
    Ok(ORDERS)
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
        store.docs_of("todo").into_iter().map(|doc| format!("{context}: {}", doc.key.id)).collect::<Vec<_>>()
    };
    let todos: Vec<String> = mall.stores.iter().flat_map(todo).collect();
    if !todos.is_empty() {
        return todos;
    }
    if let Some(rebuild) = rebuilds::left(mall) {
        return vec![rebuild];
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
    rules::orders::every_order_has_ended(&mall.evidence()).err().into_iter().collect()
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

fn judge(sim: &Sim, mall: &Mall) -> Result<(), Failure> {
    let evidence = mall.evidence();
    for (name, rule) in rules::ALL {
        sim.check(name, rule(&evidence))?;
    }
    if mall.stores.contains_key("audit") {
        let (name, rule) = rules::AUDITED;
        sim.check(name, rule(&evidence))?;
        note_settled(sim, &evidence);
    }
    for (&context, store) in &mall.stores {
        if context != "mypage" {
            sim.check("I3 order in the store", check::order_in_store(store))?;
            sim.check("I2 atomic publish", check::atomic_publish(store, &mall.broker, context))?;
            sim.check("I3 order in the topic", check::order_in_partitions(store, &mall.broker, context))?;
        }
        sim.check("I5 offsets are safe", check::lanes_are_safe(store, &mall.broker, &world::map(context, false)))?;
    }
    note_endings(sim, &evidence);
    Ok(())
}

fn note_endings(sim: &Sim, evidence: &Evidence) {
    let events = evidence.store("ordering").events_of::<Orders>();
    for (order, event) in &events {
        let confirmed = || events.iter().any(|(id, e)| id == order && matches!(e, OrderEvent::Confirmed(_)));
        sim.reached(match event {
            OrderEvent::Completed(_) => "completed",
            OrderEvent::Rejected(e) if e.why == RejectedWhy::OutOfStock => "rejected: out of stock",
            OrderEvent::Rejected(e) if e.why == RejectedWhy::PaymentDeclined => "rejected: declined",
            OrderEvent::Rejected(_) => "rejected: deadline",
            OrderEvent::Cancelled(e) if e.why == CancelledWhy::DeliveryFailed => "cancelled: delivery failed",
            OrderEvent::Cancelled(_) if confirmed() => "cancelled: by the customer later",
            OrderEvent::Cancelled(_) => "cancelled: by the customer before it was confirmed",
            OrderEvent::CancellationRefused(_) => "cancellation refused",
            OrderEvent::Placed(_) | OrderEvent::Confirmed(_) | OrderEvent::CancellationRequested(_) => continue,
        });
    }
    let payments = evidence.store("payment").events_of::<Payments>();
    let mut ended = BTreeSet::new();
    for (order, event) in &payments {
        match event {
            PaymentEvent::OrderEnded(_) => {
                ended.insert(*order);
            }
            PaymentEvent::Captured(_) if ended.contains(order) => sim.reached("a late capture was refunded"),
            _ => {}
        }
    }
}

/// The audit is not silent: while things go wrong it says so, and takes it back.
fn note_settled(sim: &Sim, evidence: &Evidence) {
    for (_, event) in evidence.store("audit").events_of::<Inspections>() {
        if matches!(event, InspectionEvent::FoundConsistent(_)) {
            sim.reached("reported by the audit, and settled");
        }
    }
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
