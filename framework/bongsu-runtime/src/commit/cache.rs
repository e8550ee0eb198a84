//! What this process believes the store holds, Commits still in the group included, and what of it is confirmed.
//!
//! Everything here is a hint: a plan made on it guards what it read, so a wrong hint costs a second plan and
//! never a wrong decision. A refusal takes back a belief, not what was confirmed: the next reading begins there and
//! folds the difference, however long the stream is.

use std::{any::Any, sync::Arc};

use bytes::Bytes;

use crate::{
    commit::bounded::Bounded,
    ports::store::{CommitId, Doc, DocKey, Mismatch},
};

pub(crate) type State = Arc<dyn Any + Send + Sync>;

/// What is known of a stream.
#[derive(Clone)]
pub(crate) struct CachedStream {
    pub(crate) version: u64,
    /// Who wrote the event of that version; `None` before the first.
    pub(crate) commit: Option<CommitId>,
    pub(crate) state: State,
    /// What the state weighs, estimated: see [`heavier`].
    pub(crate) bytes: usize,
    /// Which reading of the store it goes back to. A refusal takes back what goes back to the same reading as the
    /// refused plan, and leaves alone what was read since.
    pub(crate) reading: u64,
}

/// One stream: what it will be if everything queued succeeds, and the last that is known to be durable.
#[derive(Clone, Default)]
struct Known {
    believed: Option<CachedStream>,
    confirmed: Option<CachedStream>,
}

/// Streams and documents, each the most recently used within its bytes.
pub(crate) struct Cache {
    streams: Bounded<String, Known>,
    docs: Bounded<DocKey, CachedDoc>,
    readings: u64,
}

/// A document as believed: `revision` is `None` when it is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CachedDoc {
    pub(crate) revision: Option<CommitId>,
    pub(crate) data: Bytes,
}

/// The most a state is taken to weigh: what is larger is taken for this, so that one stream never empties the cache.
const HEAVIEST: usize = 4 << 20;

/// What a state weighs after so many more bytes of events: an estimate. It began with the bytes of its snapshot, or
/// with none, and every event folded since adds its body; encoding the state at each change would cost more than the
/// memory is worth. A state of which little is kept from each event is overrated until the next snapshot corrects it,
/// and it is taken to weigh [`HEAVIEST`] at most.
pub(crate) fn heavier(bytes: usize, by: usize) -> usize {
    bytes.saturating_add(by).min(HEAVIEST)
}

impl From<Option<Doc>> for CachedDoc {
    fn from(found: Option<Doc>) -> Self {
        found.map_or_else(Self::default, |doc| Self { revision: Some(doc.revision), data: doc.data })
    }
}

impl CachedStream {
    /// Whether both mean the same event.
    pub(crate) fn is_at(&self, other: &Self) -> bool {
        (self.version, self.commit) == (other.version, other.commit)
    }
}

impl Known {
    fn is_empty(&self) -> bool {
        self.believed.is_none() && self.confirmed.is_none()
    }

    fn weight(&self) -> usize {
        let of = |known: &Option<CachedStream>| known.as_ref().map_or(0, |known| known.bytes);
        match (&self.believed, &self.confirmed) {
            (Some(believed), Some(confirmed)) if Arc::ptr_eq(&believed.state, &confirmed.state) => believed.bytes,
            (believed, confirmed) => of(believed) + of(confirmed),
        }
    }

    fn confirm(&mut self, found: &CachedStream) {
        if self.confirmed.as_ref().is_none_or(|known| known.version <= found.version) {
            self.confirmed = Some(found.clone());
        }
    }
}

impl Cache {
    /// Half of the bytes are for streams, half for documents.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { streams: Bounded::new(bytes / 2), docs: Bounded::new(bytes / 2), readings: 0 }
    }

    /// What streams and documents weigh.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        (self.streams.bytes(), self.docs.bytes())
    }

    pub(crate) fn stream(&mut self, stream: &str) -> Option<&CachedStream> {
        self.streams.get(stream)?.believed.as_ref()
    }

    /// The last state that is known to be durable; there may be newer ones.
    pub(crate) fn confirmed(&mut self, stream: &str) -> Option<CachedStream> {
        self.streams.get(stream)?.confirmed.clone()
    }

    pub(crate) fn doc(&mut self, key: &DocKey) -> Option<&CachedDoc> {
        self.docs.get(key)
    }

    /// What a queued Commit makes of a stream.
    pub(crate) fn believe(&mut self, stream: &str, known: CachedStream) {
        self.change(stream, |entry| entry.believed = Some(known));
    }

    /// What the store holds of a stream; what is believed of it from here on, which is more if a Commit was queued
    /// while the store was read.
    pub(crate) fn found(&mut self, stream: &str, mut found: CachedStream) -> CachedStream {
        self.readings += 1;
        found.reading = self.readings;
        self.change(stream, |entry| {
            entry.confirm(&found);
            let older = |known: &CachedStream| known.version < found.version;
            if entry.believed.as_ref().is_none_or(older) {
                entry.believed = Some(found.clone());
            }
            entry.believed.clone().unwrap_or(found)
        })
    }

    /// What is durable of a stream.
    pub(crate) fn confirm(&mut self, stream: &str, known: &CachedStream) {
        self.change(stream, |entry| entry.confirm(known));
    }

    /// Takes back what is believed of a stream if it goes back to this reading.
    pub(crate) fn doubt(&mut self, stream: &str, reading: u64) {
        self.change(stream, |entry| {
            if entry.believed.as_ref().is_some_and(|known| known.reading == reading) {
                entry.believed = None;
            }
        });
    }

    /// Forgets a stream: what was confirmed is not in the store.
    pub(crate) fn forget_stream(&mut self, stream: &str) {
        self.streams.pop(stream);
    }

    pub(crate) fn put_doc(&mut self, key: DocKey, doc: CachedDoc) {
        let weight = doc.data.len();
        self.docs.put(key, doc, weight);
    }

    pub(crate) fn forget_doc(&mut self, key: &DocKey) {
        self.docs.pop(key);
    }

    /// Forgets the documents a refusal showed to be others.
    pub(crate) fn learn(&mut self, mismatches: &[Mismatch]) {
        for mismatch in mismatches {
            if let Mismatch::Doc(key, _) = mismatch {
                self.forget_doc(key);
            }
        }
    }

    fn change<T>(&mut self, stream: &str, change: impl FnOnce(&mut Known) -> T) -> T {
        let Some(entry) = self.streams.get_mut(stream) else {
            let mut entry = Known::default();
            let answer = change(&mut entry);
            if !entry.is_empty() {
                let weight = entry.weight();
                self.streams.put(stream.to_owned(), entry, weight);
            }
            return answer;
        };
        let answer = change(entry);
        if entry.is_empty() {
            self.streams.pop(stream);
        } else {
            let weight = entry.weight();
            self.streams.weigh(stream, weight);
        }
        answer
    }
}

/// Whether a refusal was because of this stream.
pub(crate) fn is_about(mismatch: &Mismatch, stream: &str) -> bool {
    matches!(mismatch, Mismatch::Head(found, _) if found == stream)
}
