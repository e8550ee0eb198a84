//! I1, I3: what was accepted is there, once; everything ends; nothing is out of order.

use std::collections::{BTreeMap, BTreeSet};

use ordering_domain::order::{Cancellation, Orders, Phase};

use super::Checked;
use crate::evidence::{Evidence, Heard};

/// I1: accepted ⇒ placed exactly once; refused ⇒ not placed; no order that nobody asked for.
pub(super) fn no_lost_no_phantom(evidence: &Evidence) -> Checked {
    let orders = evidence.store("ordering").states_of::<Orders>();
    let mut asked = BTreeSet::new();
    for op in &evidence.history {
        asked.insert(op.order.as_str());
        match (op.heard, orders.contains_key(&op.order)) {
            (Heard::Accepted, false) => return Err(format!("{} was accepted and is lost", op.order)),
            (Heard::Refused, true) => return Err(format!("{} was refused and is there", op.order)),
            _ => {}
        }
    }
    match orders.keys().find(|order| !asked.contains(order.as_str())) {
        Some(order) => Err(format!("{order} was placed and nobody asked for it")),
        None => Ok(evidence.history.len() as u64),
    }
}

/// I1, I9: at the end every order is rejected, cancelled or completed, and no wish is unanswered.
pub fn every_order_has_ended(evidence: &Evidence) -> Checked {
    let orders = evidence.store("ordering").states_of::<Orders>();
    for (order, state) in orders.iter() {
        match &state.phase {
            Phase::Rejected { .. } | Phase::Cancelled { .. } | Phase::Completed => {}
            Phase::Confirmed { cancellation: Cancellation::None | Cancellation::Refused | Cancellation::Requested }
            | Phase::Pending
            | Phase::Unknown => return Err(format!("{order} is still {:?}", state.phase)),
        }
    }
    Ok(orders.len() as u64)
}

/// I3: every stream has versions 1, 2, 3… and positions rise.
pub(super) fn versions_rise(evidence: &Evidence) -> Checked {
    let mut looked = 0;
    for (context, dump) in &evidence.stores {
        let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
        let mut position = None;
        for event in &dump.events {
            looked += 1;
            let version = versions.entry(&event.stream).or_default();
            if event.version != *version + 1 || event.position <= position {
                return Err(format!("{context}: {}@{} follows @{version}", event.stream, event.version));
            }
            (*version, position) = (event.version, event.position);
        }
    }
    Ok(looked)
}
