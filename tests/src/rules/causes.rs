//! I14: what happened has causes, and nothing is done for an order after its end but to undo.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use bongsu_runtime::ports::store::{CommitId, StoredEvent};
use serde::Deserialize;

use super::Checked;
use crate::evidence::Evidence;

/// What is kept beside an event, as far as causes go.
#[derive(Deserialize)]
struct Meta<'e> {
    #[serde(borrow)]
    id: Cow<'e, str>,
    #[serde(borrow)]
    correlation: Cow<'e, str>,
    #[serde(borrow)]
    causation: Cow<'e, str>,
}

/// Everything that happened to one order, wherever, each with what it directly rests on.
#[derive(Default)]
struct Life<'e> {
    events: Vec<(&'e StoredEvent, Meta<'e>)>,
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
    let metas: Vec<(&StoredEvent, Meta<'_>)> =
        events(evidence).map(|event| Ok((event, meta(event)?))).collect::<Result<_, String>>()?;
    let ids: HashSet<&str> = metas.iter().map(|(_, meta)| &*meta.id).collect();
    for (event, meta) in &metas {
        if meta.causation != meta.correlation && !ids.contains(&*meta.causation) {
            return Err(format!(
                "{}@{} was caused by {}, which is nowhere",
                event.stream, event.version, meta.causation
            ));
        }
    }
    Ok(metas.iter().filter(|(_, meta)| meta.causation != meta.correlation).count() as u64)
}

/// I14: a completed order rests on stock held, money captured, its confirmation and its delivery; no step forward
/// rests on the order's end.
pub(super) fn nothing_but_undoing_after_the_end(evidence: &Evidence) -> Checked {
    let mut looked = 0;
    for (order, life) in lives(evidence)? {
        for at in 0..life.events.len() {
            let name = life.events[at].0.name.as_str();
            if name != "order.completed" && !FORWARD.contains(&name) {
                continue;
            }
            looked += 1;
            let before = life.ancestors(at);
            if let Some(end) = ENDS.iter().find(|end| before.contains(*end)) {
                return Err(format!("{order}: {name} follows from {end}"));
            }
            let missing = COMPLETED_NEEDS.iter().find(|needed| !before.contains(*needed));
            if let (Some(missing), "order.completed") = (missing, name) {
                return Err(format!("{order} was completed and does not rest on {missing}"));
            }
        }
    }
    Ok(looked)
}

/// The life of every order. Directly before an event are its cause, the event before it in its stream, and those
/// before it in its Commit.
fn lives(evidence: &Evidence) -> Result<BTreeMap<&str, Life<'_>>, String> {
    let mut lives: BTreeMap<&str, Life<'_>> = BTreeMap::new();
    let of_order = |event: &&StoredEvent| event.stream.split('/').nth(1).is_some_and(|id| id.starts_with("ord_"));
    for event in events(evidence).filter(of_order) {
        let order = event.stream.split('/').nth(1).unwrap_or_default();
        lives.entry(order).or_default().events.push((event, meta(event)?));
    }
    lives.values_mut().for_each(Life::link);
    Ok(lives)
}

impl Life<'_> {
    fn link(&mut self) {
        let ids: HashMap<&str, usize> = self.events.iter().enumerate().map(|(at, (_, meta))| (&*meta.id, at)).collect();
        let mut streams: HashMap<&str, usize> = HashMap::new();
        let mut commits: HashMap<CommitId, usize> = HashMap::new();
        let mut rests_on = Vec::new();
        for (at, (event, meta)) in self.events.iter().enumerate() {
            let cause = ids.get(&*meta.causation).copied();
            let before = [cause, streams.insert(&event.stream, at), commits.insert(event.commit, at)];
            rests_on.push(before.into_iter().flatten().collect());
        }
        self.rests_on = rests_on;
    }

    /// The names of everything an event rests on, however far back.
    fn ancestors(&self, at: usize) -> BTreeSet<&str> {
        let (mut open, mut met) = (self.rests_on[at].clone(), BTreeSet::new());
        while let Some(next) = open.pop() {
            if met.insert(next) {
                open.extend(&self.rests_on[next]);
            }
        }
        met.into_iter().map(|at| self.events[at].0.name.as_str()).collect()
    }
}

fn events(evidence: &Evidence) -> impl Iterator<Item = &StoredEvent> {
    evidence.stores.values().flat_map(|dump| &dump.events)
}

fn meta(event: &StoredEvent) -> Result<Meta<'_>, String> {
    serde_json::from_slice(&event.meta).map_err(|error| format!("{}@{}: {error}", event.stream, event.version))
}
