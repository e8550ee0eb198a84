//! The marks of what a consumer has heard: one document per (consumer, source, subject).

use std::borrow::Cow;

use bongsu_core::digest;
use serde::{Deserialize, Serialize};

use crate::{
    ports::{
        broker::{In, is_orphaned},
        store::{DocBody, DocKey, MAX_NAME},
    },
    records::cloudevent::Envelope,
};

/// The table of seen marks.
pub(crate) const SEEN: &str = "seen";

/// Where a fact stands: among the facts of its subject, and in the history of who published it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stand {
    pub(crate) sequence: u64,
    /// 0 when the broker did not say.
    pub(crate) position: u64,
    pub(crate) era: u32,
}

/// What was last seen of one subject.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) sequence: u64,
    /// It waits in the queue of a failed fact: seen, but without effect yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) queued: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) position: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) era: u32,
    /// The orphaned fact that was heard before this one: what it did is still done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) orphan: Option<Stand>,
}

impl Stand {
    /// Of a fact in a message.
    pub(crate) fn of(sequence: u64, message: &In) -> Self {
        Self { sequence, position: message.position, era: message.era }
    }

    /// Whether this mark says that a fact was heard before, when the history of who publishes has parted there. One that a
    /// fact left that is orphaned now says nothing of what came in its place; what came before the parting was heard
    /// before it.
    pub(crate) fn covers(self, fact: Self, partings: &[u64]) -> bool {
        let by_sequence = fact.sequence <= self.sequence;
        if fact.position == 0 || !is_orphaned(partings, self.era, self.position) {
            return by_sequence;
        }
        let parted = partings.iter().skip(self.era as usize).min();
        parted.is_none_or(|parted| fact.position <= *parted)
    }
}

impl Seen {
    /// As it is stored; what cannot be read says nothing.
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        serde_json::from_slice(data).ok()
    }

    /// The mark of a fact that was heard after what a mark before it says.
    pub(crate) fn after(partings: &[u64], before: Option<Self>, fact: Stand) -> Self {
        let orphaned = |stand: &Stand| is_orphaned(partings, stand.era, stand.position);
        let orphan = before.and_then(|before| Some(before.stand()).filter(orphaned).or(before.orphan));
        let Stand { sequence, position, era } = fact;
        Self { sequence, queued: false, position, era, orphan }
    }

    /// As it is stored.
    pub(crate) fn body(&self) -> DocBody {
        let data = serde_json::to_vec(self).expect("a seen mark encodes as JSON");
        DocBody { data: data.into(), index: Vec::new() }
    }

    pub(crate) fn stand(&self) -> Stand {
        Stand { sequence: self.sequence, position: self.position, era: self.era }
    }
}

fn is_zero<T: PartialEq + Default>(number: &T) -> bool {
    *number == T::default()
}

/// The seen mark of a fact's subject.
pub(crate) fn seen_key(consumer: &str, envelope: &Envelope<'_>) -> DocKey {
    DocKey::of(SEEN, format!("{consumer}/{}/{}", marked_source(envelope), storable(&envelope.subject)))
}

/// The source of a fact, as its mark is named: each fact of an event but the first has marks of its own.
pub(crate) fn marked_source<'e>(envelope: &'e Envelope<'_>) -> Cow<'e, str> {
    let source = storable(&envelope.source);
    if envelope.ordinal == 0 { source } else { format!("{source}#{}", envelope.ordinal).into() }
}

/// A name as part of a document's name, where none holds NUL or is over [`MAX_NAME`]; brokers that check their messages
/// have no other.
pub(crate) fn storable(name: &str) -> Cow<'_, str> {
    let is_storable = !name.contains('\0') && name.len() <= MAX_NAME;
    if is_storable { name.into() } else { format!("~{:032x}", digest(&["name", name])).into() }
}

/// The mark of a fact, as it is stored.
pub(crate) fn seen_body(stand: Stand, queued: bool) -> DocBody {
    let Stand { sequence, position, era } = stand;
    Seen { sequence, queued, position, era, orphan: None }.body()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(sequence: u64, position: u64, era: u32) -> Stand {
        Stand { sequence, position, era }
    }

    #[test]
    fn a_mark_covers_what_is_not_newer_as_long_as_no_history_parted() {
        assert!(at(5, 50, 0).covers(at(5, 50, 0), &[]) && at(5, 50, 0).covers(at(1, 10, 0), &[]));
        assert!(!at(5, 50, 0).covers(at(6, 60, 0), &[]));
        assert!(at(5, 0, 0).covers(at(5, 50, 0), &[]), "a mark of before");
    }

    #[test]
    fn an_orphans_mark_covers_what_came_before_the_parting_and_nothing_after_it() {
        let (orphan, partings) = (at(5, 50, 0), [40]);
        assert!(orphan.covers(at(4, 40, 0), &partings) && orphan.covers(at(4, 40, 1), &partings));
        assert!(!orphan.covers(at(5, 41, 1), &partings) && !orphan.covers(at(3, 45, 1), &partings));
        let common = at(4, 40, 0);
        assert!(common.covers(at(4, 40, 1), &partings) && !common.covers(at(5, 41, 1), &partings));
        assert!(at(5, 41, 1).covers(at(5, 41, 1), &partings), "the new history's own");
        assert!(!at(5, 41, 1).covers(at(5, 41, 2), &[40, 40]), "until it parted again");
        assert!(!orphan.covers(at(3, 20, 2), &[40, 10]), "the earliest parting counts");
    }
}
