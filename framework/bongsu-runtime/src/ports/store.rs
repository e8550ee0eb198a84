//! The Store port: two nouns only, events and documents.
//!
//! Lease, cursor, seen mark, once-key with its reply, to-do, snapshot and read-model row are all documents
//! in tables the runtime names.

use std::{fmt, ops::Bound};

use super::{Fut, name::Name};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ports::metric::Metric;

/// Names one Commit: stored on every event and, as revision, on every document written. Another attempt at the same input
/// has another name, unless it writes the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommitId(pub u128);

/// Commit order of the feed: dense, starting at 1, meaningful in one store only. 0 is "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position(pub u64);

/// Names a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocKey {
    /// Table, named by the runtime.
    pub table: Name,
    /// Id within the table.
    pub id: Name,
}

/// One atomic change. Guards are all checked before anything is written; writes cannot fail on content.
///
/// A Commit without writes is legal: it asks whether its guards hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// Its name.
    pub id: CommitId,
    /// What must still be so.
    pub guards: Vec<Guard>,
    /// What happened. Implied guard: version == head of its stream + 1 (counting earlier events of this
    /// Commit); each event bumps the head of its stream.
    pub events: Vec<NewEvent>,
    /// Documents put or deleted, at most one write per key.
    pub docs: Vec<DocWrite>,
}

/// A condition of a Commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A stream that was read is still at this version; 0 = never written.
    Head(String, u64),
    /// The newest event of a stream has this version, from 1, and was written by this Commit. A version alone does
    /// not say which event it is: one planned on an event that another instance's event has taken the place of
    /// would find the version it expects. What does not hold is told as [`Mismatch::Head`].
    Last(String, u64, CommitId),
    /// A document is absent (`None`) or has exactly this revision.
    Doc(DocKey, Option<CommitId>),
}

/// An event to append.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Stream, `aggregate/id`.
    pub stream: String,
    /// 1, 2, 3… within the stream.
    pub version: u64,
    /// Wire name.
    pub name: &'static str,
    /// Schema version of the data.
    pub schema: u32,
    /// Opaque body.
    pub data: Bytes,
    /// Opaque metadata.
    pub meta: Bytes,
    /// Public facts, mapped when the Commit is built; the relay only copies bytes.
    pub facts: Vec<Fact>,
}

/// A public fact, ready to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// CloudEvents id.
    pub id: String,
    /// Topic: the context's name.
    pub topic: String,
    /// CloudEvents subject: the stream.
    pub subject: String,
    /// Facts with the same key stay in order.
    pub partition_key: String,
    /// Strictly increasing per subject; gaps are normal.
    pub sequence: u64,
    /// The whole CloudEvent in JSON.
    pub cloudevent: Bytes,
}

/// A document to put (`Some`) or delete (`None`).
#[derive(Clone, Debug, PartialEq)]
pub struct DocWrite {
    /// Which.
    pub key: DocKey,
    /// The new body.
    pub put: Option<DocBody>,
}

/// The body of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocBody {
    /// Opaque data.
    pub data: Bytes,
    /// (index number, key in byte order, made in Rust): the same order on every engine.
    pub index: Vec<(u16, Bytes)>,
}

/// A document as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doc {
    /// Its name.
    pub key: DocKey,
    /// The Commit that wrote it.
    pub revision: CommitId,
    /// Opaque data.
    pub data: Bytes,
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Place in the feed; `None` while not sequenced yet.
    pub position: Option<Position>,
    /// The Commit that wrote it.
    pub commit: CommitId,
    /// Stream.
    pub stream: String,
    /// Version within the stream.
    pub version: u64,
    /// Wire name.
    pub name: String,
    /// Schema version.
    pub schema: u32,
    /// Body.
    pub data: Bytes,
    /// Metadata.
    pub meta: Bytes,
}

/// The public facts of one event, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFacts {
    /// Place of the event in the feed.
    pub position: Position,
    /// The Commit that wrote it.
    pub commit: CommitId,
    /// At least one.
    pub facts: Vec<Fact>,
}

/// What to read. Results are in order and never skip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Events of one stream with version > after: everything committed.
    Stream {
        /// Which stream.
        stream: String,
        /// Exclusive lower bound.
        after: u64,
    },
    /// Every event with position > after: sequenced only.
    Feed {
        /// Exclusive lower bound.
        after: Position,
    },
}

/// A range of documents of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Which table.
    pub table: String,
    /// By this index, or by document id when `None`. A document appears once per entry it has in the index.
    pub index: Option<u16>,
    /// Lower bound on the cursor.
    pub from: Bound<Bytes>,
    /// Upper bound on the cursor.
    pub to: Bound<Bytes>,
    /// Whether the order is descending.
    pub descending: bool,
    /// At most so many.
    pub limit: u32,
}

/// How a Commit was judged.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Durable.
    Done,
    /// Nothing of it was written; its neighbours in the group are unaffected. At least one mismatch.
    Refused(Vec<Mismatch>),
}

/// A guard that did not hold, with what was found instead.
#[derive(Clone, Debug, PartialEq)]
pub enum Mismatch {
    /// The head's version.
    Head(String, u64),
    /// The document as it is: a stored reply comes back without a second read.
    Doc(DocKey, Option<Doc>),
}

/// Why a store could not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Certainly not applied; the same Commit may be sent again.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// May have been applied: read what it wrote, at which its id stands, then decide.
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
    /// Can never be stored (size, two writes to one key): checked before queueing.
    #[error("the commit can never be stored: {0}")]
    Invalid(String),
    /// The file or a row is damaged: stop being ready, touch nothing.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
}

/// Where a service keeps everything.
pub trait Store: Send + Sync {
    /// Applies one Commit; resolves after the fsync.
    ///
    /// Adapters queue (bounded, [`StoreError::Unavailable`] when full) in call order and apply many per
    /// transaction, each judged against the state the accepted ones before it left; so a caller may submit
    /// commit n+1 guarded on what n writes without waiting. **The Commit is queued when this is called, not
    /// when the future is first polled**, and dropping the future does not cancel it.
    fn commit(&self, commit: Commit) -> Fut<'static, Result<Verdict, StoreError>>;

    /// Reads events.
    fn read(&self, what: Read, limit: u32) -> Fut<'_, Result<Vec<StoredEvent>, StoreError>>;

    /// Reads the facts of every event that carries some, with position > after: sequenced only, in order, never
    /// skipping. The limit counts events.
    ///
    /// Facts and their Commits are all that a relay or a rebuild reads of a whole history, so an adapter reads no bodies.
    fn facts(&self, after: Position, limit: u32) -> Fut<'_, Result<Vec<StoredFacts>, StoreError>>;

    /// Reads documents: one snapshot for all keys, in the order asked.
    fn docs(&self, keys: Vec<DocKey>) -> Fut<'_, Result<Vec<Option<Doc>>, StoreError>>;

    /// Lists documents. Each comes with its cursor: the index key followed by a zero byte and the document
    /// id, or the id alone without an index. `Excluded(last cursor)` continues.
    fn scan(&self, what: Scan) -> Fut<'_, Result<Vec<(Bytes, Doc)>, StoreError>>;

    /// The same without the documents: the cursors alone. An adapter that can reads nothing but its index.
    fn keys(&self, what: Scan) -> Fut<'_, Result<Vec<Bytes>, StoreError>> {
        Box::pin(async move { Ok(self.scan(what).await?.into_iter().map(|(cursor, _)| cursor).collect()) })
    }

    /// The highest position committed; 0 when empty.
    fn head(&self) -> Fut<'_, Result<Position, StoreError>>;

    /// Where an event stands in the feed.
    fn position_of<'a>(&'a self, stream: &'a str, version: u64) -> Fut<'a, Result<Option<Position>, StoreError>>;

    /// Resolves when there may be something after this position, or another instance rang, or 100 ms passed:
    /// a hint.
    fn changed(&self, after: Position) -> Fut<'_, ()>;

    /// What it counts and measures, for whoever watches it.
    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    /// Deletes every document of a table.
    fn drop_table<'a>(&'a self, table: &'a str) -> Fut<'a, Result<(), StoreError>>;

    /// Resolves when nothing of what was deleted or overwritten before lies in its files or logs any more, so that who copies
    /// them does not find it. It may take as long as
    /// writing everything anew. A store that keeps nothing outside its memory has nothing to do.
    fn scrub(&self) -> Fut<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Ends it: what is queued is written, whatever comes later is [`StoreError::Unavailable`], and what it keeps is
    /// left whole. A process that is killed does without.
    fn shut_down(&self) -> Fut<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Largest body of one event, document or fact, in bytes: as large as what Kafka takes in one message, unless told
/// otherwise.
pub const MAX_BODY: usize = 1 << 20;
/// Most events, documents or guards in one Commit: a writer holds the store for no longer than some milliseconds, and what
/// is more is several decisions.
pub const MAX_ITEMS: usize = 1_000;
/// Longest name of a stream or a partition key, in bytes; for a broker, of any attribute of a fact: room for a name, an id
/// of any kind and percent-encoding, and short enough for an index.
pub const MAX_NAME: usize = 512;
/// Longest name of a document, in bytes: some are made of several names, and each fits the target of a request.
pub const MAX_DOC_NAME: usize = 2_048;

impl Commit {
    /// A Commit that writes and guards nothing yet.
    pub fn new(id: CommitId) -> Self {
        Self { id, guards: Vec::new(), events: Vec::new(), docs: Vec::new() }
    }

    /// Checks what every adapter refuses before queueing, so that all of them refuse the same.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for bodies over [`MAX_BODY`], more than [`MAX_ITEMS`] of anything, NUL in a
    /// name, a name over [`MAX_NAME`] or [`MAX_DOC_NAME`], or two writes to one key.
    pub fn check(&self) -> Result<(), StoreError> {
        let invalid = |why: String| Err(StoreError::Invalid(why));
        if self.events.len().max(self.docs.len()).max(self.guards.len()) > MAX_ITEMS {
            return invalid(format!("more than {MAX_ITEMS} events, documents or guards"));
        }
        for event in &self.events {
            let facts = event.facts.iter().map(|fact| fact.cloudevent.len()).max().unwrap_or(0);
            if event.data.len().max(event.meta.len()).max(facts) > MAX_BODY {
                return invalid(format!("an event of {} is over {MAX_BODY} bytes", event.stream));
            }
            for name in [&event.stream].into_iter().chain(event.facts.iter().map(|fact| &fact.partition_key)) {
                check_name(name, MAX_NAME)?;
            }
        }
        let mut keys: Vec<&DocKey> = self.docs.iter().map(|write| &write.key).collect();
        keys.sort();
        if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return invalid(format!("two writes to {}", twice[0]));
        }
        for write in &self.docs {
            check_name(&write.key.table, MAX_NAME)?;
            check_name(&write.key.id, MAX_DOC_NAME)?;
            if write.put.as_ref().is_some_and(|body| body.data.len() > MAX_BODY) {
                return invalid(format!("document {} is over {MAX_BODY} bytes", write.key));
            }
        }
        Ok(())
    }
}

/// Why no store and no broker keeps a name.
#[derive(Debug, thiserror::Error)]
pub(super) enum WrongName {
    #[error("{0:?} contains NUL")]
    Nul(String),
    #[error("a name of {length} bytes, {begins:?}…, is over {longest}")]
    Long { length: usize, begins: String, longest: usize },
}

impl From<WrongName> for StoreError {
    fn from(why: WrongName) -> Self {
        Self::Invalid(why.to_string())
    }
}

/// So many characters of a name that is too long are shown: enough to know it by.
const SHOWN: usize = 40;

/// What is wrong with a name, if anything: bytes no store keeps, or too many of them.
pub(super) fn check_name(name: &str, longest: usize) -> Result<(), WrongName> {
    if name.contains('\0') {
        return Err(WrongName::Nul(name.to_owned()));
    }
    if name.len() > longest {
        let begins = name.chars().take(SHOWN).collect();
        return Err(WrongName::Long { length: name.len(), begins, longest });
    }
    Ok(())
}

impl DocKey {
    /// Names a document.
    pub fn new(table: impl Into<Name>, id: impl Into<Name>) -> Self {
        Self { table: table.into(), id: id.into() }
    }

    /// The same, in a table that this build names.
    pub fn of(table: &'static str, id: impl Into<Name>) -> Self {
        Self { table: Name::fixed(table), id: id.into() }
    }
}

impl Scan {
    /// The whole table by id.
    pub fn table(table: impl Into<String>, limit: u32) -> Self {
        Self {
            table: table.into(),
            index: None,
            from: Bound::Unbounded,
            to: Bound::Unbounded,
            descending: false,
            limit,
        }
    }
}

/// The document a cursor of an index names: what follows its last zero byte. `None` for what is no cursor.
pub fn id_of(cursor: &[u8]) -> Option<&str> {
    let at = cursor.iter().rposition(|byte| *byte == 0)?;
    std::str::from_utf8(&cursor[at + 1..]).ok()
}

impl fmt::Display for DocKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.table, self.id)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
