//! Facts that wait behind one that failed: each in a document of its own, so that joining and leaving cost the same
//! however many wait.
//!
//! A CloudEvent is kept as it came, byte for byte. Whatever a broker takes fits into a document (checked below), so
//! there is no fact that cannot be put aside.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    commit::unit::{Fail, Unit},
    ports::{
        broker::MAX_CLOUDEVENT,
        store::{DocBody, DocKey, MAX_BODY},
    },
    records::{
        cloudevent::Envelope,
        seen::{Seen, Stand, seen_body, seen_key},
        todo::clipped,
    },
};

/// The head of a queue, kept in its to-do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Queue {
    /// Consumer.
    pub(crate) consumer: String,
    /// Partition key, or the beginning of a long one.
    pub(crate) key: String,
    /// Facts that an earlier release kept here: before those apart, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    facts: Vec<Box<RawValue>>,
    /// The number of the oldest fact apart.
    #[serde(default)]
    first: u64,
    /// The number of the next to come.
    #[serde(default)]
    next: u64,
}

/// The table of the facts that wait, by queue and number.
pub(crate) const QUEUE: &str = "queue";
/// So much of a partition key is shown.
const MAX_KEY: usize = 256;

const _: () = assert!(MAX_CLOUDEVENT <= MAX_BODY, "a fact that cannot be put aside would stop its partition");

impl Queue {
    pub(crate) fn new(consumer: &str, key: &str) -> Self {
        let key = clipped(key.to_owned(), MAX_KEY);
        Self { consumer: consumer.to_owned(), key, facts: Vec::new(), first: 0, next: 0 }
    }

    /// How many facts wait.
    pub(crate) fn len(&self) -> usize {
        self.facts.len() + self.next.saturating_sub(self.first) as usize
    }

    /// Adds the newest; says where it is to be written.
    pub(crate) fn push(&mut self, id: &str) -> DocKey {
        self.next += 1;
        entry(id, self.next - 1)
    }

    /// Where the oldest is, if it is apart.
    pub(crate) fn front_key(&self, id: &str) -> Option<DocKey> {
        (self.facts.is_empty() && self.first < self.next).then(|| entry(id, self.first))
    }

    /// The oldest, if it is kept in the head.
    pub(crate) fn front_within(&self) -> Option<Bytes> {
        self.facts.first().map(|raw| Bytes::copy_from_slice(raw.get().as_bytes()))
    }

    /// The oldest; `None` when nothing waits.
    pub(crate) async fn front(&self, unit: &mut Unit, id: &str) -> Result<Option<Bytes>, Fail> {
        let Some(key) = self.front_key(id) else { return Ok(self.front_within()) };
        let found = unit.doc(&key).await?;
        found.map(Some).ok_or_else(|| Fail::Corrupt(format!("fact {} of the queue is missing", self.first)))
    }

    /// Takes the oldest out.
    pub(crate) fn pop(&mut self, unit: &mut Unit, id: &str) {
        if let Some(key) = self.front_key(id) {
            unit.put(key, None);
            self.first += 1;
        } else if !self.facts.is_empty() {
            self.facts.remove(0);
        }
    }

    /// Everything kept in the head, and where the rest is.
    pub(crate) fn all(&self, id: &str) -> (impl Iterator<Item = &str>, impl Iterator<Item = DocKey>) {
        (self.facts.iter().map(|raw| raw.get()), (self.first..self.next).map(move |number| entry(id, number)))
    }
}

/// The document of one fact. The number has a fixed width: no other queue, whatever its name, has a fact of this name.
fn entry(id: &str, number: u64) -> DocKey {
    DocKey::new(QUEUE, format!("{id}/{number:020}"))
}

/// A fact as it is kept.
pub(crate) fn body(cloudevent: &Bytes) -> DocBody {
    DocBody { data: cloudevent.clone(), index: Vec::new() }
}

/// After `done` left its queue: its subject waits no longer, unless a later fact of it was heard. That one came to the
/// same queue, and the mark is its own. A mark is never set back.
pub(crate) async fn settle_mark(unit: &mut Unit, consumer: &str, done: &Envelope<'_>) -> Result<(), Fail> {
    let key = seen_key(consumer, done);
    let mark = unit.doc(&key).await?.and_then(|data| serde_json::from_slice::<Seen>(&data).ok());
    // Where its history has parted, a fact of a higher sequence may be an orphan's: the mark is what came in its place.
    let parted = unit.core.partings.of(&done.source).is_some();
    let body = match mark {
        None => seen_body(Stand { sequence: done.sequence, ..Stand::default() }, false),
        Some(mark) if mark.sequence > done.sequence || parted && mark.sequence < done.sequence => return Ok(()),
        Some(mark) => Seen { sequence: done.sequence, queued: false, ..mark }.body(),
    };
    unit.put(key, Some(body));
    Ok(())
}
