//! Snapshots of everything that changed: by a clock, and when an operator asks.
//!
//! How far the feed was walked is a document; whoever is interrupted goes on where it says.

use std::{collections::BTreeSet, sync::Arc};

use bongsu_core::digest;
use serde::Serialize;

use crate::{
    commit::{
        attempt::Planned,
        core::Core,
        fail::Fail,
        wanted::{Rule, target},
    },
    ports::store::{Commit, CommitId, DocBody, DocWrite, Guard, Position, Read, StoreError},
    records::snapshot::{Shape, Walked, walk_key},
};

/// What one part of a walk did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Walk {
    /// Snapshots written.
    pub written: u64,
    /// Streams whose snapshot was as new as they are.
    pub current: u64,
    /// Streams that cannot be folded; the log says why.
    pub failed: u64,
    /// Whether the end of the feed was reached.
    pub done: bool,
}

/// Streams of one part of a walk: so much is done again after a crash, and fits into one answer.
const PART: usize = 256;
/// Events looked at in one read: a page of the store.
const PAGE: u32 = 1_000;

/// Takes the snapshots of everything that changed since the last walk ended; false when another instance does.
pub(crate) async fn walk(core: &Arc<Core>, fence: &Guard) -> Result<bool, StoreError> {
    let mut sum = Walk::default();
    while !sum.done {
        let Some(part) = part(core, Some(fence)).await? else { return Ok(false) };
        sum = sum.and(part);
    }
    tracing::info!(written = sum.written, current = sum.current, failed = sum.failed, "snapshots were taken");
    Ok(true)
}

/// Takes the snapshots of the next streams that changed since the walk stopped. `None` when somebody else walked
/// meanwhile: their note stands, and at worst some streams are looked at twice.
pub(crate) async fn part(core: &Arc<Core>, fence: Option<&Guard>) -> Result<Option<Walk>, StoreError> {
    let (mut walked, revision) = walked(core).await?;
    let asked_for = |stream: &str| core.rule_of(stream).is_some_and(Rule::is_asked_for);
    let schemas = core.map.snapshots.iter().filter_map(|(name, rule)| match rule.shape {
        Shape::Schema(schema) => Some(((*name).to_owned(), schema)),
        Shape::Build => None,
    });
    let schemas = schemas.collect();
    if walked.schemas != schemas {
        walked.position = 0;
        walked.schemas = schemas;
    }
    let mut streams = BTreeSet::new();
    let mut walk = Walk::default();
    while streams.len() < PART && !walk.done {
        let events = core.store.read(Read::Feed { after: Position(walked.position) }, PAGE).await?;
        walk.done = events.len() < PAGE as usize;
        walked.position =
            events.iter().filter_map(|event| event.position).map(|at| at.0).max().unwrap_or(walked.position);
        let mine = events.into_iter().map(|event| event.stream).filter(|stream| asked_for(stream));
        streams.extend(mine);
    }
    for stream in streams {
        take(core, &stream, fence, &mut walk).await?;
    }
    Ok(note(core, &walked, revision, fence).await?.then_some(walk))
}

async fn take(core: &Arc<Core>, stream: &str, fence: Option<&Guard>, walk: &mut Walk) -> Result<(), StoreError> {
    let Some(rule) = core.rule_of(stream) else { return Ok(()) };
    let folded = match core.fold_up_to(&target(rule, stream), u64::MAX).await {
        Ok(folded) => folded,
        Err(Fail::Store(error)) => return Err(error),
        Err(Fail::Corrupt(why) | Fail::Newer(why)) => {
            tracing::warn!(code = "snapshot-failed", stream, why, "a stream cannot be folded");
            walk.failed += 1;
            return Ok(());
        }
    };
    match folded.taken() {
        Some(taken) if core.keep(stream, &taken, fence).await? => walk.written += 1,
        _ => walk.current += 1,
    }
    Ok(())
}

async fn walked(core: &Core) -> Result<(Walked, Option<CommitId>), StoreError> {
    let found = core.store.docs(vec![walk_key()]).await?.pop().flatten();
    let revision = found.as_ref().map(|doc| doc.revision);
    Ok((found.and_then(|doc| serde_json::from_slice(&doc.data).ok()).unwrap_or_default(), revision))
}

/// Notes how far the walk is, unless somebody else did; whether it was noted.
async fn note(
    core: &Core,
    walked: &Walked,
    revision: Option<CommitId>,
    fence: Option<&Guard>,
) -> Result<bool, StoreError> {
    /// Once, and once more when nobody knows whether it was noted.
    const TRIES: u32 = 2;
    let noted = core.until_durable(TRIES, || async {
        if self::walked(core).await?.1 != revision {
            return Ok(Planned::Nothing(false));
        }
        let chance = core.env.random().to_string();
        let mut commit = Commit::new(CommitId(digest(&["midnight", &core.settings.slot, &chance])));
        commit.guards.extend(fence.cloned());
        commit.guards.push(Guard::Doc(walk_key(), revision));
        let data = serde_json::to_vec(walked).expect("numbers by name encode as JSON").into();
        commit.docs.push(DocWrite { key: walk_key(), put: Some(DocBody { data, index: Vec::new() }) });
        Ok::<_, StoreError>(Planned::Write(commit, true))
    });
    Ok(noted.await?.unwrap_or(false))
}

impl Walk {
    /// Two parts of one walk.
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        let (written, current) = (self.written + next.written, self.current + next.current);
        Self { written, current, failed: self.failed + next.failed, done: next.done }
    }
}
