//! What this process believes the store holds, Commits still in the group included.
//!
//! Everything here is a hint: a plan made on it guards what it read, so a wrong hint costs a second plan and
//! never a wrong decision.

use std::{any::Any, hash::Hash, num::NonZeroUsize, sync::Arc};

use bytes::Bytes;
use lru::LruCache;

use crate::ports::store::{CommitId, DocKey, Head, Mismatch};

pub(crate) type State = Arc<dyn Any + Send + Sync>;

/// What is believed of a stream.
#[derive(Clone)]
pub(crate) struct CachedStream {
    pub(crate) version: u64,
    /// Who wrote the event of that version; `None` before the first.
    pub(crate) commit: Option<CommitId>,
    pub(crate) state: State,
}

/// Streams and documents, each bounded to its most recently used.
pub(crate) struct Cache {
    streams: LruCache<String, CachedStream>,
    docs: LruCache<DocKey, CachedDoc>,
}

/// A document as believed: `revision` is `None` when it is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CachedDoc {
    pub(crate) revision: Option<CommitId>,
    pub(crate) data: Bytes,
}

const STREAMS: NonZeroUsize = NonZeroUsize::new(4_096).expect("positive");
const DOCS: NonZeroUsize = NonZeroUsize::new(16_384).expect("positive");

impl CachedStream {
    /// Whether both mean the same event.
    pub(crate) fn is_at(&self, other: &Self) -> bool {
        (self.version, self.commit) == (other.version, other.commit)
    }
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self { streams: at_most(STREAMS), docs: at_most(DOCS) }
    }

    pub(crate) fn stream(&mut self, stream: &str) -> Option<CachedStream> {
        self.streams.get(stream).cloned()
    }

    pub(crate) fn doc(&mut self, key: &DocKey) -> Option<CachedDoc> {
        self.docs.get(key).cloned()
    }

    pub(crate) fn put_stream(&mut self, stream: String, known: CachedStream) {
        self.streams.put(stream, known);
    }

    pub(crate) fn put_doc(&mut self, key: DocKey, doc: CachedDoc) {
        self.docs.put(key, doc);
    }

    pub(crate) fn forget_stream(&mut self, stream: &str) {
        self.streams.pop(stream);
    }

    pub(crate) fn forget_doc(&mut self, key: &DocKey) {
        self.docs.pop(key);
    }

    /// Corrects what a refusal showed to be wrong.
    pub(crate) fn learn(&mut self, mismatches: &[Mismatch]) {
        for mismatch in mismatches {
            match mismatch {
                Mismatch::Head(Head::Stream(stream), _) => self.forget_stream(stream),
                Mismatch::Head(Head::Tag(_), _) => {}
                Mismatch::Doc(key, _) => self.forget_doc(key),
            }
        }
    }
}

/// A cache that takes memory as it grows; `LruCache::new` takes all of it at the start.
fn at_most<K: Hash + Eq, V>(entries: NonZeroUsize) -> LruCache<K, V> {
    let mut cache = LruCache::unbounded();
    cache.resize(entries);
    cache
}
