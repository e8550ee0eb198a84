//! I14: what happened has causes, and nothing is done for an order after its end but to undo.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use bongsu_runtime::ports::store::{CommitId, StoredEvent};

use super::Checked;
use crate::evidence::{Cause, Dump, Evidence};

/// Everything that happened to one order, wherever, each with what it directly rests on.
#[derive(Default)]
struct Life<'e> {
    events: Vec<(&'e StoredEvent, &'e Cause)>,
    rests_on: Vec<Vec<usize>>,
}

/// Ends of an order after which only undoing is left.
const ENDS: [&str; 2] = ["order.rejected", "order.cancelled"];
/// Steps forward: none of them may rest on such an end.
const FORWARD: [&str; 8] = [
    "order.confirmed",
    "order.completed",
    "payment.capture-requested",
    "reservation.held",
    "reservation.committed",
    "delivery.prepared",
    "delivery.departed",
    "delivery.completed",
];
/// What must be among the ancestors of a completed order.
const COMPLETED_NEEDS: [&str; 4] = ["reservation.held", "payment.captured", "order.confirmed", "delivery.completed"];

/// I14: every event was caused by a request or by an event that is there.
pub(super) fn causes_exist(evidence: &Evidence) -> Checked {
    let causes = causes(evidence)?;
    let all = || caused(evidence, &causes);
    let ids: HashSet<&str> = all().map(|(_, cause)| &*cause.id).collect();
    let mut looked = 0;
    for (event, Cause { causation, .. }) in all().filter(|(_, cause)| cause.causation != cause.correlation) {
        if !ids.contains(&**causation) {
            let (stream, version) = (&event.stream, event.version);
            return Err(format!("{stream}@{version} was caused by {causation}, which is nowhere"));
        }
        looked += 1;
    }
    Ok(looked)
}

/// I14: a completed order rests on stock held, money captured, its confirmation and its delivery; no step forward
/// rests on the order's end.
pub(super) fn nothing_but_undoing_after_the_end(evidence: &Evidence) -> Checked {
    let mut looked = 0;
    let causes = causes(evidence)?;
    for (order, life) in lives(evidence, &causes) {
        for at in 0..life.events.len() {
            let name = life.events[at].0.name.as_str();
            if name != "order.completed" && !FORWARD.contains(&name) {
                continue;
            }
            looked += 1;
            let before = life.ancestors(at);
            if let Some(end) = ENDS.iter().find(|end| before.contains(end)) {
                return Err(format!("{order}: {name} follows from {end}"));
            }
            let missing = COMPLETED_NEEDS.iter().find(|needed| !before.contains(needed));
            if let (Some(missing), "order.completed") = (missing, name) {
                return Err(format!("{order} was completed and does not rest on {missing}"));
            }
        }
    }
    Ok(looked)
}

/// The life of every order. Directly before an event are its cause, the event before it in its stream, and those
/// before it in its Commit.
fn lives<'e>(evidence: &'e Evidence, causes: &'e [Arc<Vec<Cause>>]) -> BTreeMap<&'e str, Life<'e>> {
    let mut lives: BTreeMap<&str, Life<'_>> = BTreeMap::new();
    for (event, cause) in caused(evidence, causes) {
        let id = event.stream.split('/').nth(1).filter(|id| id.starts_with("ord_"));
        if let Some(order) = id {
            lives.entry(order).or_default().events.push((event, cause));
        }
    }
    lives.values_mut().for_each(Life::link);
    lives
}

impl Life<'_> {
    fn link(&mut self) {
        let ids: HashMap<&str, usize> =
            self.events.iter().enumerate().map(|(at, (_, cause))| (&*cause.id, at)).collect();
        let mut streams: HashMap<&str, usize> = HashMap::new();
        let mut commits: HashMap<CommitId, usize> = HashMap::new();
        let mut rests_on = Vec::new();
        for (at, (event, caused)) in self.events.iter().enumerate() {
            let cause = ids.get(&*caused.causation).copied();
            let before = [cause, streams.insert(&event.stream, at), commits.insert(event.commit, at)];
            rests_on.push(before.into_iter().flatten().collect());
        }
        self.rests_on = rests_on;
    }

    /// The names of everything an event rests on, however far back.
    fn ancestors(&self, at: usize) -> Vec<&str> {
        let mut met = vec![false; self.events.len()];
        let mut open = self.rests_on[at].clone();
        let mut names = Vec::new();
        while let Some(next) = open.pop() {
            if !std::mem::replace(&mut met[next], true) {
                names.push(self.events[next].0.name.as_str());
                open.extend(&self.rests_on[next]);
            }
        }
        names
    }
}

/// Why everything happened, by store.
fn causes(evidence: &Evidence) -> Result<Vec<Arc<Vec<Cause>>>, String> {
    evidence.stores.values().map(Dump::causes).collect()
}

/// Every event with its cause.
fn caused<'e>(
    evidence: &'e Evidence,
    causes: &'e [Arc<Vec<Cause>>],
) -> impl Iterator<Item = (&'e StoredEvent, &'e Cause)> {
    evidence.stores.values().zip(causes).flat_map(|(dump, causes)| dump.events.iter().zip(causes.iter()))
}
