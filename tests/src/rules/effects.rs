//! I4: every fact had its effect once, and nothing had an effect that was not told.

use std::collections::BTreeMap;

use delivery::delivery::{Deliveries, DeliveryEvent};
use ordering_domain::{events::OrderEvent, order::Orders};
use payment::payment::{PaymentEvent, Payments};
use product_domain::{events::ReservationEvent, reservation::Reservation};

use super::Checked;
use crate::evidence::Evidence;

/// I4: every order-placed was answered by product once, its intent remembered by payment once, every
/// confirmation packed once, every end of an order heard by payment once; and none of that for an order of which it
/// was not told. No order is placed, confirmed or ended twice.
pub(super) fn exactly_once(evidence: &Evidence) -> Checked {
    let ordering = evidence.store("ordering").events_of::<Orders>();
    let told = |counted: fn(&OrderEvent) -> bool| count(&ordering, counted);
    let placed = told(|event| matches!(event, OrderEvent::Placed(_)));
    let confirmed = told(|event| matches!(event, OrderEvent::Confirmed(_)));
    let ended = told(|event| matches!(event, OrderEvent::Rejected(_) | OrderEvent::Cancelled(_)));
    let answers = count(&evidence.store("product").events_of::<Reservation>(), |event| {
        matches!(event, ReservationEvent::Held(_) | ReservationEvent::Rejected(_) | ReservationEvent::Closed(_))
    });
    let payments = evidence.store("payment").events_of::<Payments>();
    let intents = count(&payments, |event| matches!(event, PaymentEvent::Intended(_)));
    let ends = count(&payments, |event| matches!(event, PaymentEvent::OrderEnded(_)));
    let parcels = count(&evidence.store("delivery").events_of::<Deliveries>(), |event| {
        matches!(event, DeliveryEvent::Prepared(_))
    });
    each_once(("orders placed", &placed), ("answers of product", &answers))?;
    each_once(("orders placed", &placed), ("intents in payment", &intents))?;
    each_once(("confirmations", &confirmed), ("parcels", &parcels))?;
    each_once(("ends", &ended), ("ends heard by payment", &ends))?;
    let states = evidence.store("ordering").states_of::<Orders>();
    if let Some((order, _)) = states.iter().find(|(_, state)| state.placed.is_none()) {
        return Err(format!("{order} has events and was never placed"));
    }
    Ok(ordering.len() as u64)
}

type Counts = BTreeMap<String, u64>;

/// Each cause is there once and has one effect, and no effect is without its cause.
fn each_once((causes, cause): (&str, &Counts), (effects, effect): (&str, &Counts)) -> Result<(), String> {
    for order in cause.keys() {
        once(cause, order, causes)?;
        once(effect, order, effects)?;
    }
    match effect.iter().find(|(order, _)| !cause.contains_key(*order)) {
        Some((order, n)) => Err(format!("{order} has {n} {effects} and no {causes}")),
        None => Ok(()),
    }
}

fn count<E>(events: &[(String, E)], counted: impl Fn(&E) -> bool) -> Counts {
    let mut counts = BTreeMap::new();
    for (id, _) in events.iter().filter(|(_, event)| counted(event)) {
        *counts.entry(id.clone()).or_default() += 1;
    }
    counts
}

fn once(counts: &Counts, order: &str, what: &str) -> Result<(), String> {
    match counts.get(order).copied().unwrap_or(0) {
        1 => Ok(()),
        n => Err(format!("{order} has {n} {what}")),
    }
}
