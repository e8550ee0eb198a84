//! Facts that wait behind one that failed: each in a document of its own, so that joining and leaving cost the same
//! however many wait.
//!
//! A CloudEvent is kept as it came, byte for byte. Whatever a broker takes fits into a document (checked below), so
//! there is no fact that cannot be put aside.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    ports::{
        broker::MAX_CLOUDEVENT,
        store::{DocBody, DocKey, MAX_BODY},
    },
    records::{todo::clipped, todo_id::TodoId},
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
    pub(crate) facts: Vec<Box<RawValue>>,
    /// The number of the oldest fact apart.
    #[serde(default)]
    pub(crate) first: u64,
    /// The number of the next to come.
    #[serde(default)]
    pub(crate) next: u64,
}

/// The table of the facts that wait, by queue and number.
pub(crate) const QUEUE: &str = "queue";
/// So much of a partition key is shown: it may have 512 bytes, and a person knows it by its beginning.
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
    pub(crate) fn push(&mut self, id: &TodoId) -> DocKey {
        self.next += 1;
        entry(id, self.next - 1)
    }

    /// Where the oldest is, if it is apart.
    pub(crate) fn front_key(&self, id: &TodoId) -> Option<DocKey> {
        (self.facts.is_empty() && self.first < self.next).then(|| entry(id, self.first))
    }

    /// The oldest, if it is kept in the head.
    pub(crate) fn front_within(&self) -> Option<Bytes> {
        self.facts.first().map(|raw| Bytes::copy_from_slice(raw.get().as_bytes()))
    }

    /// Takes the oldest out; the document that is to be deleted, if it is apart.
    pub(crate) fn pop(&mut self, id: &TodoId) -> Option<DocKey> {
        let key = self.front_key(id);
        if key.is_some() {
            self.first += 1;
        } else if !self.facts.is_empty() {
            self.facts.remove(0);
        }
        key
    }

    /// Everything kept in the head, and where the rest is.
    pub(crate) fn all(&self, id: &TodoId) -> (impl Iterator<Item = &str>, impl Iterator<Item = DocKey>) {
        (self.facts.iter().map(|raw| raw.get()), (self.first..self.next).map(move |number| entry(id, number)))
    }
}

/// The document of one fact. The number has a fixed width: no other queue, whatever its name, has a fact of this name.
pub(crate) fn entry(id: &TodoId, number: u64) -> DocKey {
    DocKey::of(QUEUE, format!("{id}/{number:020}"))
}

/// A fact as it is kept.
pub(crate) fn fact_body(cloudevent: &Bytes) -> DocBody {
    DocBody { data: cloudevent.clone(), index: Vec::new() }
}
