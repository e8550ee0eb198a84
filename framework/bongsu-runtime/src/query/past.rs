//! The past of a stream: its state at an earlier version or time, what happened in it, and how it is read.

use bongsu_core::{Aggregate, StreamRef, digest};
use bytes::Bytes;
use serde::Serialize;

use crate::{
    commit::{
        core::Core,
        fail::{CommandError, failed, refused},
        wanted::target,
    },
    ports::store::{Commit, CommitId, Guard, Mismatch, Read, StoredEvent, Verdict},
    records::{
        cloudevent::{Meta, millis},
        snapshot::{RecordedState, snapshot_key},
    },
};

/// A moment in the life of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After so many events.
    Version(u64),
    /// By the wall clock, in milliseconds since the Unix epoch: after the last event before the first one that
    /// is later.
    TimeMs(i64),
}

/// Why there is no state at a moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PastError {
    /// Versions start at 1.
    #[error("versions start at 1")]
    Zero,
    /// The stream has not come so far.
    #[error("it is at version {0}")]
    Ahead(u64),
    /// The time has not come yet.
    #[error("that is in the future")]
    Future,
    /// Nothing had happened by then.
    #[error("nothing had happened by then")]
    NotYet,
    /// As for any reading.
    #[error(transparent)]
    Read(#[from] CommandError),
}

/// One event of a stream with who, when and why: a line of its audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Version of the stream after it.
    pub version: u64,
    /// Wire name of the event.
    pub name: String,
    /// Its schema.
    pub schema: u32,
    /// Its body.
    pub data: Bytes,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Who asked.
    pub actor: String,
    /// The type of the command it was decided on; `None` when no command was, or it is older than this note.
    pub command: Option<String>,
    /// Id of the command or fact behind it.
    pub causation: String,
    /// Under which configuration it was decided, if that was noted.
    pub revision: Option<String>,
}

/// How a stream is read now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Its version.
    pub version: u64,
    /// Its snapshot, usable or not.
    pub snapshot: Option<SnapshotInfo>,
    /// How many events are folded to know its state.
    pub folded: u64,
}

/// What is kept of a stream's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotInfo {
    /// The version it shows.
    pub version: u64,
    /// The schema of the state.
    pub schema: u32,
    /// When it was written, milliseconds since the Unix epoch.
    pub taken_ms: i64,
    /// Its size.
    pub bytes: usize,
}

pub(crate) async fn load<A: Aggregate>(core: &Core, id: &str, at: Moment) -> Result<(A::State, u64), PastError>
where
    A::State: Clone + Send + Sync + 'static,
{
    let target = StreamRef::of::<A>(id);
    let folded = match at {
        Moment::Version(0) => return Err(PastError::Zero),
        Moment::TimeMs(at_ms) if at_ms > core.env.wall_ms() => return Err(PastError::Future),
        Moment::Version(version) => core.past_of(&target, version).await,
        Moment::TimeMs(at_ms) => {
            let _place = core.past.acquire().await;
            core.fold_while(&target, &|event| time_ms(event).is_some_and(|t| t <= at_ms)).await
        }
    };
    let folded = folded.map_err(refused)?;
    match at {
        Moment::Version(version) if folded.version < version => return Err(PastError::Ahead(folded.version)),
        Moment::TimeMs(_) if folded.version == 0 => return Err(PastError::NotYet),
        _ => {}
    }
    let state = folded.state.downcast().map_err(|_| CommandError::Corrupt("a state of another aggregate".into()))?;
    Ok((*state, folded.version))
}

/// The entries of a stream after a version, oldest first.
pub(crate) async fn trail(core: &Core, stream: &str, after: u64, limit: u32) -> Result<Vec<Entry>, CommandError> {
    let events = events(core, stream, after, limit).await?;
    events.into_iter().map(Entry::of).collect()
}

pub(crate) async fn events(
    core: &Core,
    stream: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<StoredEvent>, CommandError> {
    core.store.read(Read::Stream { stream: stream.to_owned(), after }, limit).await.map_err(failed)
}

/// How a stream would be read now. One that is snapshot is really folded; of another, every event is.
pub(crate) async fn reading(core: &Core, stream: &str) -> Result<Reading, CommandError> {
    let Some(rule) = core.rule_of(stream) else {
        let version = head(core, stream).await?;
        return Ok(Reading { version, snapshot: None, folded: version });
    };
    let folded = core.fold_up_to(&target(rule, stream), u64::MAX).await.map_err(refused)?;
    let doc = core.store.docs(vec![snapshot_key(stream)]).await.map_err(failed)?.pop().flatten();
    let snapshot = doc.and_then(|doc| {
        let RecordedState { version, schema, taken_ms, .. } = RecordedState::read(&doc).ok()?;
        Some(SnapshotInfo { version, schema, taken_ms, bytes: doc.data.len() })
    });
    Ok(Reading { version: folded.version, snapshot, folded: folded.events() })
}

/// The version of a stream: a Commit that writes nothing and guards what cannot be is told what is.
async fn head(core: &Core, stream: &str) -> Result<u64, CommandError> {
    let mut commit = Commit::new(CommitId(digest(&["head", stream, &core.env.random().to_string()])));
    commit.guards.push(Guard::Head(stream.to_owned(), 0));
    match core.store.commit(commit).await.map_err(failed)? {
        Verdict::Done => Ok(0),
        Verdict::Refused(found) => Ok(found.iter().find_map(|found| match found {
            Mismatch::Head(_, version) => Some(*version),
            Mismatch::Doc(..) => None,
        }))
        .map(|version| version.unwrap_or(0)),
    }
}

impl Entry {
    fn of(event: StoredEvent) -> Result<Self, CommandError> {
        let meta: Meta = serde_json::from_slice(&event.meta)
            .map_err(|error| CommandError::Corrupt(format!("{}@{}: {error}", event.stream, event.version)))?;
        let Meta { time, actor, command, causation, revision, .. } = meta;
        let StoredEvent { version, name, schema, data, .. } = event;
        let revision = revision.map(|revision| revision.to_string());
        Ok(Self { version, name, schema, data, time, actor, command, causation, revision })
    }
}

/// When an event happened; `None` when its metadata does not say.
fn time_ms(event: &StoredEvent) -> Option<i64> {
    let meta: Meta = serde_json::from_slice(&event.meta).ok()?;
    millis(&meta.time)
}
