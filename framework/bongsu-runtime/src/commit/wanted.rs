//! How states are snapshot, and which are to be written down.

use std::{
    any::Any,
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bongsu_core::{Aggregate, Folder, StreamRef};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::sync::Notify;

use crate::{commit::cache::State, ports::store::CommitId, records::snapshot::Shape};

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
    pub(crate) encode: fn(&(dyn Any + Send + Sync)) -> Result<Box<RawValue>, serde_json::Error>,
    pub(crate) decode: fn(&RawValue) -> Result<Box<dyn Any + Send + Sync>, serde_json::Error>,
}

/// A state at a version of its stream.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) version: u64,
    /// The Commit that wrote the event of that version: the same version of another history is another state.
    pub(crate) commit: CommitId,
    pub(crate) state: State,
}

/// States to be written down, the newest per stream. Bounded: what finds no room is taken the next time.
#[derive(Default)]
pub(crate) struct Wanted {
    streams: Mutex<BTreeMap<String, Taken>>,
    pub(crate) rung: Notify,
}

/// After so many events of a stream, where nobody said otherwise: what is folded behind a snapshot is half a page of the
/// store, and a state is written down once for so many Commits.
const EVERY: u64 = 500;
/// Most states that wait to be written: each may hold megabytes, and one that finds no room is wanted again.
const MOST_WANTED: usize = 256;

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

    pub(crate) fn next(&self) -> Option<(String, Taken)> {
        self.lock().pop_first()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Taken>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stream of a rule's aggregate, with how to fold it.
pub(crate) fn target(rule: &Rule, stream: &str) -> StreamRef {
    StreamRef { stream: stream.to_owned(), folder: rule.folder }
}
