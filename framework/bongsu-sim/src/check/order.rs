//! I3, while a run goes on: facts leave in the order of the store.

use hashbrown::HashMap;

use crate::{
    check::facts,
    kernel::moment::{Checked, Moment},
};
use bongsu_memory::MemoryStore;

/// The facts of a topic's subjects, as far as they were published.
#[derive(Default)]
struct PublishedFacts {
    /// How many of the store's facts were looked at.
    read: usize,
    subjects: HashMap<String, Subject>,
}

#[derive(Default)]
struct Subject {
    /// Its sequences, as the store has them.
    order: Vec<u64>,
    /// How many of them were published.
    next: usize,
}

/// I3, at every instant: what is published of a subject for the first time comes next in the store. Repetitions are
/// allowed; what is published anew under another place (a refill, a copy) is not looked at. To be watched.
pub fn published_in_order(store: MemoryStore, topic: &'static str) -> impl FnMut(&Moment<'_>) -> Checked + Send {
    let mut told = PublishedFacts::default();
    move |moment| {
        let Moment::Published { batch, .. } = moment else { return Ok(0) };
        let mut looked = 0;
        for out in batch.iter().filter(|out| out.topic == topic) {
            looked += store.look_at_facts(|all| {
                let at = all.binary_search_by_key(&out.position, |told| told.position.0);
                let fact = at.ok().and_then(|at| all[at].facts.get(out.ordinal as usize));
                let Some(fact) = fact.filter(|fact| fact.cloudevent == out.cloudevent) else { return Ok(0) };
                for fact in facts(&all[told.read..], topic) {
                    told.subjects.entry_ref(fact.subject.as_str()).or_default().order.push(fact.sequence);
                }
                told.read = all.len();
                told.subjects.entry_ref(fact.subject.as_str()).or_default().publish(&fact.subject, fact.sequence)
            })?;
        }
        Ok(looked)
    }
}

impl Subject {
    fn publish(&mut self, name: &str, sequence: u64) -> Checked {
        if self.order.get(self.next) == Some(&sequence) {
            self.next += 1;
        } else if self.order[..self.next].last().is_none_or(|last| sequence > *last) {
            let wanted = self.order.get(self.next);
            return Err(format!("{sequence} of {name} was published where {wanted:?} was to come first"));
        }
        Ok(1)
    }
}
