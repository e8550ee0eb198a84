//! I4, I5: every fact had its effect once, and no cursor passed one that had not.

use std::collections::BTreeMap;

use delivery_domain::{delivery::Deliveries, events::DeliveryEvent};
use ordering_domain::{
    events::OrderEvent,
    order::{Orders, Phase},
};
use payment_domain::{events::PaymentEvent, payment::Payments};
use product_domain::{events::ReservationEvent, reservation::Reservation};

use super::Checked;
use crate::evidence::Evidence;

/// I4: every order-placed was answered by product once, its intent remembered by payment once, every
/// confirmation packed once; no parcel without a confirmation; every end of an order was heard by payment.
pub(super) fn exactly_once(evidence: &Evidence) -> Checked {
    let ordering = evidence.store("ordering").events_of::<Orders>();
    let answers = count(&evidence.store("product").events_of::<Reservation>(), |event| {
        matches!(event, ReservationEvent::Held(_) | ReservationEvent::Rejected(_) | ReservationEvent::Closed(_))
    });
    let payments = evidence.store("payment").events_of::<Payments>();
    let intents = count(&payments, |event| matches!(event, PaymentEvent::Intended(_)));
    let ends = count(&payments, |event| matches!(event, PaymentEvent::OrderEnded(_)));
    let parcels = count(&evidence.store("delivery").events_of::<Deliveries>(), |event| {
        matches!(event, DeliveryEvent::Prepared(_))
    });
    for (order, event) in ordering.iter() {
        match event {
            OrderEvent::Placed(_) => {
                once(&answers, order, "answers of product")?;
                once(&intents, order, "intents in payment")?;
            }
            OrderEvent::Confirmed(_) => once(&parcels, order, "parcels")?,
            OrderEvent::Rejected(_) | OrderEvent::Cancelled(_) => once(&ends, order, "ends heard by payment")?,
            OrderEvent::CancellationRequested(_) | OrderEvent::CancellationRefused(_) | OrderEvent::Completed(_) => {}
        }
    }
    let states = evidence.store("ordering").states_of::<Orders>();
    let confirmed = |order: &str| ordering.iter().any(|(id, e)| *id == order && matches!(e, OrderEvent::Confirmed(_)));
    if let Some(order) = parcels.keys().find(|order| !confirmed(order)) {
        return Err(format!("{order} has a parcel and was never confirmed"));
    }
    if let Some((order, _)) = states.iter().find(|(_, state)| matches!(state.phase, Phase::Unknown)) {
        return Err(format!("{order} has events and was never placed"));
    }
    Ok(ordering.len() as u64)
}

/// I5: at the end, for every consumer that has heard of an order's subject, the seen mark covers the last fact
/// of that subject; nothing waits in a queue.
pub(super) fn marks_cover_facts(evidence: &Evidence) -> Checked {
    let mut heads: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (context, dump) in &evidence.stores {
        for event in &dump.events {
            heads.insert((*context, event.stream.as_str()), event.version);
        }
    }
    let mut looked = 0;
    for (context, dump) in &evidence.stores {
        for doc in dump.table("seen") {
            looked += 1;
            let mut parts = doc.key.id.splitn(3, '/');
            let (_, source, subject) = (parts.next(), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            let mark: serde_json::Value = serde_json::from_slice(&doc.data).map_err(|e| e.to_string())?;
            let head = heads.get(&(source, subject)).copied().unwrap_or(0);
            let sequence = mark["sequence"].as_u64().unwrap_or(u64::MAX);
            if sequence > head || mark["queued"] == true {
                return Err(format!("{context}: mark {} says {mark}, the subject is at {head}", doc.key.id));
            }
        }
    }
    Ok(looked)
}

fn count<E>(events: &[(String, E)], counted: impl Fn(&E) -> bool) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (id, _) in events.iter().filter(|(_, event)| counted(event)) {
        *counts.entry(id.clone()).or_default() += 1;
    }
    counts
}

fn once(counts: &BTreeMap<String, u64>, order: &str, what: &str) -> Result<(), String> {
    match counts.get(order).copied().unwrap_or(0) {
        1 => Ok(()),
        n => Err(format!("{order} has {n} {what}")),
    }
}
