//! The audit, which judges by what it was told, agrees with those who judge by what is stored.

use audit::inspection::Inspections;
use ordering_domain::order::Orders;

use super::Checked;
use crate::evidence::Evidence;

/// The audit has heard of every order and of no other, and at the end finds nothing wrong with any.
pub(super) fn agrees(evidence: &Evidence) -> Checked {
    let inspections = evidence.store("audit").states_of::<Inspections>();
    let orders = evidence.store("ordering").states_of::<Orders>();
    if let Some(order) = orders.keys().find(|order| !inspections.contains_key(*order)) {
        return Err(format!("the audit has never heard of {order}"));
    }
    for (order, state) in inspections.iter() {
        if let Some(wrong) = &state.wrong {
            return Err(format!("{order}, {:?}: {wrong:?}", orders.get(order).map(|order| &order.phase)));
        }
    }
    match inspections.keys().find(|order| !orders.contains_key(*order)) {
        Some(order) => Err(format!("the audit has heard of {order}, which was never placed")),
        None => Ok(inspections.len() as u64),
    }
}
