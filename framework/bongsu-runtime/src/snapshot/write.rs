//! Snapshots: a state kept beside its stream, so that only the events after it are read.
//!
//! A snapshot is a document (stream, version, schema of the state) and a hint: whatever is wrong with it, it is
//! discarded and the stream is folded from its events. It is written after the Commit it shows, outside of it,
//! and never replaces one of a higher version ([0011](../../../docs/decisions/0011-snapshots.md)).

use std::{
    any::Any,
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bongsu_core::{Aggregate, Folder, StreamRef, digest};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::sync::Notify;

use crate::{
    commit::{cache::State, core::Core, planted},
    ports::store::{
        Commit, CommitId, Doc, DocBody, DocKey, DocWrite, Guard, MAX_BODY, StoreError, StoredEvent, Verdict,
    },
};

/// How the streams of one aggregate are snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshots {
    /// Version of the state's shape. Raise it whenever the state or how it is folded changes: snapshots of
    /// another schema are not used.
    pub schema: u32,
    /// A snapshot is written after every so many events of a stream; 0 = not by count.
    pub every: u64,
}

/// How one aggregate or process is snapshot, its state's type hidden.
pub(crate) struct Rule {
    /// A snapshot is written after every so many events of a stream; 0 = not by count.
    pub(crate) every: u64,
    pub(crate) shape: Shape,
    pub(crate) folder: Folder,
    encode: fn(&(dyn Any + Send + Sync)) -> Result<Box<RawValue>, serde_json::Error>,
    decode: fn(&RawValue) -> Result<Box<dyn Any + Send + Sync>, serde_json::Error>,
}

/// Which snapshots hold a state that this build can go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Those of this number: the author says when it changes.
    Schema(u32),
    /// Those this build wrote. Nobody said anything, and whether a state is folded as before cannot be seen from
    /// outside; so another build folds anew, once.
    Build,
}

/// A state at a version of its stream.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) version: u64,
    /// The Commit that wrote the event of that version: the same version of another history is another state.
    pub(crate) commit: CommitId,
    pub(crate) state: State,
}

/// A snapshot as it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) version: u64,
    /// 0 where the build counts.
    pub(crate) schema: u32,
    /// The build that wrote it, where no schema was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    build: Option<String>,
    commit: String,
    pub(crate) taken_ms: i64,
    state: Box<RawValue>,
}

/// A usable snapshot with the state in it.
pub(crate) struct Loaded {
    pub(crate) version: u64,
    pub(crate) state: Box<dyn Any + Send + Sync>,
    /// Its size as stored.
    pub(crate) bytes: usize,
    commit: String,
    revision: CommitId,
}

/// States to be written down, the newest per stream. Bounded: what finds no room is taken the next time.
#[derive(Default)]
pub(crate) struct Wanted {
    streams: Mutex<BTreeMap<String, Taken>>,
    rung: Notify,
}

/// The table of snapshots, by stream.
pub(crate) const SNAPSHOT: &str = "snapshot";
/// After so many events of a stream, where nobody said otherwise.
pub(crate) const EVERY: u64 = 500;
/// A stream shorter than this is read whole rather than looking for a snapshot that nobody asked for.
pub(crate) const SHORT: u32 = 64;
/// Most states that wait to be written.
const MOST_WANTED: usize = 256;
/// How often a snapshot is compared again because another instance wrote one.
const ATTEMPTS: u32 = 4;

impl Rule {
    /// As the author says.
    pub(crate) fn of<A: Aggregate>(Snapshots { schema, every }: Snapshots) -> Self
    where
        A::State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        Self { every, shape: Shape::Schema(schema), ..Self::by_default::<A::State>(Folder::of::<A>()) }
    }

    /// Where nobody says anything.
    pub(crate) fn by_default<S>(folder: Folder) -> Self
    where
        S: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        Self {
            every: EVERY,
            shape: Shape::Build,
            folder,
            encode: |state| {
                let state: &S = state.downcast_ref().expect("a stream name determines its state");
                serde_json::value::to_raw_value(state)
            },
            decode: |state| Ok(Box::new(serde_json::from_str::<S>(state.get())?)),
        }
    }

    /// Whether an author asked for it: then it is taken at midnight and by command as well, however short the stream.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.shape != Shape::Build
    }
}

impl Kept {
    pub(crate) fn read(doc: &Doc) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&doc.data)
    }

    /// Whether a build can go on with its state.
    fn is_of(&self, shape: Shape, build: &str) -> bool {
        match shape {
            Shape::Schema(schema) => self.build.is_none() && self.schema == schema,
            Shape::Build => self.build.as_deref() == Some(build),
        }
    }

    /// Whether it may be replaced: never by a lower version, and of the same version only by a newer schema or by
    /// another build.
    fn gives_way_to(&self, version: u64, shape: Shape, build: &str) -> bool {
        let other = match shape {
            Shape::Schema(schema) => self.build.is_some() || self.schema < schema,
            Shape::Build => self.build.as_deref() != Some(build),
        };
        self.version < version || self.version == version && other
    }
}

impl Loaded {
    /// Whether the stream's event of this snapshot's version is the one it was taken after.
    pub(crate) fn fits(&self, event: Option<&StoredEvent>) -> bool {
        event.is_some_and(|event| event.version == self.version && hex(event.commit) == self.commit)
    }
}

impl Wanted {
    /// Asks for a snapshot, in the background.
    pub(crate) fn ask(&self, stream: &str, taken: Taken) {
        let mut streams = self.lock();
        let room = streams.len() < MOST_WANTED || streams.contains_key(stream);
        if room && streams.get(stream).is_none_or(|known| known.version < taken.version) {
            streams.insert(stream.to_owned(), taken);
            self.rung.notify_one();
        }
    }

    fn next(&self) -> Option<(String, Taken)> {
        self.lock().pop_first()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Taken>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// How this aggregate is snapshot, if it is.
    pub(crate) fn rule_of(&self, stream: &str) -> Option<&Rule> {
        self.service.snapshots.get(stream.split_once('/')?.0)
    }

    /// Whether a change from one version to another passes a version at which a snapshot is due.
    pub(crate) fn snapshot_is_due(&self, stream: &str, from: u64, to: u64) -> bool {
        self.rule_of(stream).is_some_and(|rule| rule.every > 0 && to / rule.every > from / rule.every)
    }

    /// The snapshot of a stream, if there is one that this build can use.
    pub(crate) async fn snapshot(&self, rule: &Rule, stream: &str) -> Result<Option<Loaded>, StoreError> {
        let found = self.store.docs(vec![key(stream)]).await?.pop().flatten();
        let Some(doc) = found else { return Ok(None) };
        let revision = doc.revision;
        let kept = match Kept::read(&doc) {
            Ok(kept) => kept,
            Err(error) => return self.discard(stream, revision, &format!("it cannot be read: {error}")).await,
        };
        if !kept.is_of(rule.shape, &self.settings.build) {
            // Not deleted: another build that runs beside this one may be able to use it.
            tracing::info!(stream, found = kept.schema, known = ?rule.shape, "a snapshot is another build's");
            return Ok(None);
        }
        match (rule.decode)(&kept.state) {
            Ok(state) => {
                let (version, bytes, commit) = (kept.version, doc.data.len(), kept.commit);
                Ok(Some(Loaded { version, state, bytes, commit, revision }))
            }
            Err(error) => self.discard(stream, revision, &format!("its state cannot be read: {error}")).await,
        }
    }

    /// Discards a snapshot that its stream does not bear out: ahead of it, or of another history.
    pub(crate) async fn contradicted(&self, stream: &str, snapshot: &Loaded) -> Result<(), StoreError> {
        let why = format!("the stream has no such version {}", snapshot.version);
        self.discard(stream, snapshot.revision, &why).await.map(|_| ())
    }

    /// Deletes a snapshot that nobody can use, unless it was replaced meanwhile; there is none, then.
    async fn discard(&self, stream: &str, revision: CommitId, why: &str) -> Result<Option<Loaded>, StoreError> {
        tracing::warn!(code = "snapshot-discarded", stream, why, "a snapshot is discarded; its stream is folded anew");
        let mut commit = Commit::new(self.snapshot_commit(stream));
        commit.guards.push(Guard::Doc(key(stream), Some(revision)));
        commit.docs.push(DocWrite { key: key(stream), put: None });
        if let Err(error) = self.store.commit(commit).await {
            tracing::debug!(stream, %error, "it stays for now");
        }
        Ok(None)
    }

    /// Writes a snapshot down unless there is one as good; whether it was written.
    pub(crate) async fn keep(&self, stream: &str, taken: &Taken, fence: Option<&Guard>) -> Result<bool, StoreError> {
        let Some(rule) = self.rule_of(stream) else { return Ok(false) };
        let Some(body) = self.body(rule, stream, taken) else { return Ok(false) };
        for _ in 0..ATTEMPTS {
            let found = self.store.docs(vec![key(stream)]).await?.pop().flatten();
            let before = found.as_ref().and_then(|doc| Kept::read(doc).ok());
            let blind = planted::without_version(self);
            if !blind
                && before.is_some_and(|before| !before.gives_way_to(taken.version, rule.shape, &self.settings.build))
            {
                return Ok(false);
            }
            let mut commit = Commit::new(self.snapshot_commit(stream));
            commit.guards.extend(fence.cloned());
            if !blind {
                commit.guards.push(Guard::Doc(key(stream), found.map(|doc| doc.revision)));
            }
            commit.docs.push(DocWrite { key: key(stream), put: Some(body.clone()) });
            self.env.step("snapshot.write");
            match self.store.commit(commit).await {
                Ok(Verdict::Done) => return Ok(true),
                Ok(Verdict::Refused(_)) | Err(StoreError::Unknown(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn body(&self, rule: &Rule, stream: &str, taken: &Taken) -> Option<DocBody> {
        let encoded = (rule.encode)(taken.state.as_ref()).and_then(|state| {
            let (schema, build) = match rule.shape {
                Shape::Schema(schema) => (schema, None),
                Shape::Build => (0, Some(self.settings.build.clone())),
            };
            let (version, commit) = (taken.version, hex(taken.commit));
            serde_json::to_vec(&Kept { version, schema, build, commit, taken_ms: self.env.wall_ms(), state })
        });
        let why = match encoded {
            Ok(data) if data.len() <= MAX_BODY => return Some(DocBody { data: data.into(), index: Vec::new() }),
            Ok(data) => format!("{} bytes are over {MAX_BODY}", data.len()),
            Err(error) => error.to_string(),
        };
        tracing::warn!(code = "snapshot-failed", stream, why, "a state cannot be kept as a snapshot");
        None
    }

    fn snapshot_commit(&self, stream: &str) -> CommitId {
        let chance = self.env.random().to_string();
        CommitId(digest(&[SNAPSHOT, stream, &self.settings.slot, &chance]))
    }
}

/// Writes what was asked for, one after the other, outside of anybody's request.
pub(crate) async fn run(core: Arc<Core>) {
    loop {
        while let Some((stream, taken)) = core.wanted.next() {
            if let Err(error) = core.keep(&stream, &taken, None).await {
                // Not tried again: the next one that is due makes up for it.
                tracing::debug!(stream, %error, "a snapshot was not written");
            }
        }
        core.wanted.rung.notified().await;
    }
}

/// The stream of a rule's aggregate, with how to fold it.
pub(crate) fn target(rule: &Rule, stream: &str) -> StreamRef {
    StreamRef { stream: stream.to_owned(), folder: rule.folder }
}

pub(crate) fn key(stream: &str) -> DocKey {
    DocKey::new(SNAPSHOT, stream)
}

fn hex(commit: CommitId) -> String {
    format!("{:032x}", commit.0)
}
