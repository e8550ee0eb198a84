//! I12: one key, one answer, one effect.

use std::collections::BTreeMap;

use ordering_domain::{events::OrderEvent, order::Orders};

use super::Checked;
use crate::evidence::Evidence;

/// I12: every answer to one key and body is the same, byte for byte; it was placed at most once, and exactly once
/// when the answer says so.
pub(super) fn same_key_same_reply(evidence: &Evidence) -> Checked {
    let mut answers: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for op in &evidence.history {
        answers.entry(&op.order).or_default().extend(&op.answers);
    }
    let mut placed: BTreeMap<&str, u64> = BTreeMap::new();
    let events = evidence.store("ordering").events_of::<Orders>();
    for (order, event) in events.iter() {
        *placed.entry(order).or_default() += u64::from(matches!(event, OrderEvent::Placed(_)));
    }
    let mut looked = 0;
    for (order, answers) in answers {
        let Some(first) = answers.first() else { continue };
        if let Some(other) = answers.iter().find(|answer| *answer != first) {
            return Err(format!("{order} was answered {first:?} and then {other:?}"));
        }
        let (effects, due) = (placed.get(order).copied().unwrap_or(0), u64::from(first.0 < 300));
        if effects != due {
            return Err(format!("{order} was answered {} and placed {effects} times", first.0));
        }
        looked += answers.len() as u64;
    }
    Ok(looked)
}
