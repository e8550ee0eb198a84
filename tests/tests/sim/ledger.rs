//! Every ending of an order and every moment worth meeting: a long run that misses one has not tested it.

use std::collections::BTreeSet;

use audit::inspection::{InspectionEvent, Inspections};
use bongsu_runtime::coverage;
use bongsu_sim::{Ledger, Sim, Stats};
use delivery::delivery::{Deliveries, DeliveryEvent};
use ordering_domain::{
    cart::Carts,
    cart_events::CartEvent,
    events::{CancelledWhy, OrderEvent, RejectedWhy},
    order::Orders,
};
use payment::payment::{PaymentEvent, Payments};
use system_tests::{evidence::Evidence, rules::poison::Isolated};

use crate::history::FILLED;

const COMPLETED: &str = "ends: completed";
const OUT_OF_STOCK: &str = "ends: rejected, out of stock";
const DECLINED: &str = "ends: rejected, payment declined";
const DEADLINE: &str = "ends: rejected, the deadline passed";
const WITHDRAWN: &str = "ends: cancelled before it was confirmed";
const CALLED_BACK: &str = "ends: cancelled later, delivery kept it back";
const UNDELIVERED: &str = "ends: cancelled, delivery failed";
const TOO_LATE: &str = "a cancellation is refused, it is on its way";
const LATE_CAPTURE: &str = "a capture succeeds after the end and is refunded";
const FORGONE: &str = "a capture is not even asked for, it is too late";
const REFUNDED: &str = "what was captured is refunded after a failed delivery";
const LOST_ON_ITS_WAY: &str = "a parcel fails on its way";
const NEVER_LEFT: &str = "a parcel fails before it leaves";

const PARKED: &str = "a parked fact is tried again by an operator";
const WENT_ON: &str = "others go on while a fact is parked";

const CART: &str = "a cart becomes an order";
const SETTLED: &str = "the audit reports an order and takes it back";

/// Every ending of an order whose contexts exist, and what a customer hears who is too late.
pub(crate) const ENDINGS: [&str; 9] =
    [COMPLETED, OUT_OF_STOCK, DECLINED, DEADLINE, WITHDRAWN, CALLED_BACK, UNDELIVERED, TOO_LATE, LATE_CAPTURE];

/// What else the mall adds to the moments of the runtime.
const MOMENTS: [&str; 9] = [FILLED, CART, SETTLED, FORGONE, REFUNDED, LOST_ON_ITS_WAY, NEVER_LEFT, PARKED, WENT_ON];

/// The faults that must have happened somewhere: each kind, wherever.
const FAULTS: [&str; 11] =
    ["crash", "pause", "clock", "lag", "duplicate", "refused", "lost", "ack lost", "late", "partial", "outage"];

pub(crate) fn ledger() -> Ledger {
    Ledger::of(ENDINGS).and(MOMENTS).and(coverage::ALL)
}

/// Fails when a kind of fault never fired.
pub(crate) fn every_fault_fired(stats: &Stats) -> Result<u64, String> {
    let fired: BTreeSet<&str> = stats.fired.keys().map(|(kind, _)| *kind).collect();
    match FAULTS.iter().find(|kind| !fired.contains(**kind)) {
        Some(never) => Err(format!("no fault of this kind: {never}")),
        None => Ok(FAULTS.len() as u64),
    }
}

/// Notes what one run has reached.
pub(crate) fn note(sim: &Sim, evidence: &Evidence) {
    of_orders(sim, evidence);
    of_payments(sim, evidence);
    of_parcels(sim, evidence);
    let carts = evidence.store("ordering").events_of::<Carts>();
    let checked_out = carts.iter().filter(|(_, event)| matches!(event, CartEvent::CheckedOut(_)));
    checked_out.for_each(|_| sim.reached(CART));
    if evidence.stores.contains_key("audit") {
        let found = evidence.store("audit").events_of::<Inspections>();
        let settled = found.iter().filter(|(_, event)| matches!(event, InspectionEvent::FoundConsistent(_)));
        settled.for_each(|_| sim.reached(SETTLED));
    }
}

/// Notes what one run has shown of facts that could not be handled.
pub(crate) fn note_poison(sim: &Sim, isolated: Isolated) {
    (0..isolated.parked).for_each(|_| sim.reached(PARKED));
    (0..isolated.went_on).for_each(|_| sim.reached(WENT_ON));
}

fn of_orders(sim: &Sim, evidence: &Evidence) {
    let (mut confirmed, mut undelivered) = (BTreeSet::new(), BTreeSet::new());
    let orders = evidence.store("ordering").events_of::<Orders>();
    for (order, event) in orders.iter() {
        sim.reached(match event {
            OrderEvent::Completed(_) => COMPLETED,
            OrderEvent::Rejected(e) if e.why == RejectedWhy::OutOfStock => OUT_OF_STOCK,
            OrderEvent::Rejected(e) if e.why == RejectedWhy::PaymentDeclined => DECLINED,
            OrderEvent::Rejected(_) => DEADLINE,
            OrderEvent::Cancelled(e) if e.why == CancelledWhy::DeliveryFailed => {
                undelivered.insert(order);
                UNDELIVERED
            }
            OrderEvent::Cancelled(_) if confirmed.contains(order) => CALLED_BACK,
            OrderEvent::Cancelled(_) => WITHDRAWN,
            OrderEvent::CancellationRefused(_) => TOO_LATE,
            OrderEvent::Confirmed(_) => {
                confirmed.insert(order);
                continue;
            }
            OrderEvent::Placed(_) | OrderEvent::CancellationRequested(_) => continue,
        });
    }
    let refunded = |(order, event): &&(String, PaymentEvent)| {
        matches!(event, PaymentEvent::Refunded(_)) && undelivered.contains(order)
    };
    let payments = evidence.store("payment").events_of::<Payments>();
    payments.iter().filter(refunded).for_each(|_| sim.reached(REFUNDED));
}

fn of_payments(sim: &Sim, evidence: &Evidence) {
    let mut ended = BTreeSet::new();
    for (order, event) in evidence.store("payment").events_of::<Payments>().iter() {
        match event {
            PaymentEvent::OrderEnded(_) => drop(ended.insert(order)),
            PaymentEvent::Captured(_) if ended.contains(order) => sim.reached(LATE_CAPTURE),
            PaymentEvent::CaptureForgone(_) => sim.reached(FORGONE),
            _ => {}
        }
    }
}

fn of_parcels(sim: &Sim, evidence: &Evidence) {
    let mut left = BTreeSet::new();
    for (order, event) in evidence.store("delivery").events_of::<Deliveries>().iter() {
        match event {
            DeliveryEvent::Departed(_) => drop(left.insert(order)),
            DeliveryEvent::Failed(_) if left.contains(order) => sim.reached(LOST_ON_ITS_WAY),
            DeliveryEvent::Failed(_) => sim.reached(NEVER_LEFT),
            DeliveryEvent::Prepared(_) | DeliveryEvent::Cancelled(_) | DeliveryEvent::Completed(_) => {}
        }
    }
}
