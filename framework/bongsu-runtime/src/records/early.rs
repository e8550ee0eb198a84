//! The inputs of one process instance that wait for its start: each in a document of its own, so that joining and
//! leaving cost the same however many wait.

use bongsu_core::Ctx;
use serde::{Deserialize, Serialize};

use crate::{
    ports::store::DocKey,
    records::{message::RecordedMessage, todo_id::TodoId},
};

/// The inputs of one instance that wait, as kept in their to-do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Early {
    /// Process.
    pub(crate) process: String,
    /// Instance.
    pub(crate) key: String,
    /// Inputs kept here: those of an earlier release, before those apart; oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) inputs: Vec<(RecordedMessage, Ctx)>,
    /// The number of the oldest input apart.
    #[serde(default)]
    pub(crate) first: u64,
    /// The number of the next to come.
    #[serde(default)]
    pub(crate) next: u64,
    /// How many found it full, and were parked.
    #[serde(default)]
    pub(crate) over: u64,
}

/// The table of the inputs that wait, by list and number.
pub(crate) const WAITING: &str = "waiting";

impl Early {
    pub(crate) fn new(process: &str, key: &str) -> Self {
        Self { process: process.to_owned(), key: key.to_owned(), inputs: Vec::new(), first: 0, next: 0, over: 0 }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.inputs.len() + self.next.saturating_sub(self.first) as usize
    }

    /// The wire name of the oldest, where it is kept here.
    pub(crate) fn oldest(&self) -> Option<&RecordedMessage> {
        self.inputs.first().map(|(heard, _)| heard)
    }

    /// Adds the newest; says where it is to be written.
    pub(crate) fn push(&mut self, id: &TodoId) -> DocKey {
        self.next += 1;
        entry(id, self.next - 1)
    }

    /// Where the oldest is, if it is apart.
    pub(crate) fn front_key(&self, id: &TodoId) -> Option<DocKey> {
        (self.inputs.is_empty() && self.first < self.next).then(|| entry(id, self.first))
    }

    /// Takes the oldest out; the document that is to be deleted, if it is apart.
    pub(crate) fn pop(&mut self, id: &TodoId) -> Option<DocKey> {
        let key = self.front_key(id);
        if key.is_some() {
            self.first += 1;
        } else if !self.inputs.is_empty() {
            self.inputs.remove(0);
        }
        key
    }
}

/// The document of one input. The number has a fixed width: no other list has an input of this name.
pub(crate) fn entry(id: &TodoId, number: u64) -> DocKey {
    DocKey::of(WAITING, format!("{id}/{number:020}"))
}
