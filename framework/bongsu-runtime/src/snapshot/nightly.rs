//! Snapshots of everything that changed: at midnight by the clock, and when an operator asks.
//!
//! How far the feed was walked is a document. A midnight that passed while nothing ran is made up for at the
//! next start; whoever is interrupted goes on where the document says.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bongsu_core::digest;
use serde::Serialize;

use crate::{
    commit::{
        core::Core,
        fail::Fail,
        wanted::{Rule, target},
    },
    ports::store::{Commit, CommitId, DocBody, DocWrite, Guard, Position, Read, StoreError, Verdict},
    records::{
        lease::MIDNIGHT,
        snapshot::{Shape, Walked, walk_key},
    },
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
const PAGE: u32 = 1_000;
/// How long at most until the clock is looked at again: somebody may set it.
const NAP: Duration = Duration::from_secs(30);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Walks at every midnight while this instance holds the lease.
pub(crate) async fn run(core: Arc<Core>, utc_offset_s: i32) {
    loop {
        let changed = core.leases.changed.notified();
        let Some(fence) = core.leases.guard(MIDNIGHT) else {
            changed.await;
            continue;
        };
        drop(changed);
        let pause = match wake(&core, &fence, utc_offset_s).await {
            Ok(until_due) => until_due.min(NAP),
            Err(error) => {
                tracing::warn!(code = "snapshot-failed", %error, "snapshots could not be taken; they will be");
                Duration::from_secs(1)
            }
        };
        core.env.sleep(pause).await;
    }
}

/// Walks if midnight has passed; how long until the next one.
async fn wake(core: &Arc<Core>, fence: &Guard, utc_offset_s: i32) -> Result<Duration, StoreError> {
    let (mut walked, mut revision) = walked(core).await?;
    let now_ms = core.env.wall_ms();
    let next_ms = midnight_after(now_ms, utc_offset_s);
    let due_ms = walked.due_ms.unwrap_or(next_ms);
    if due_ms <= now_ms {
        let mut sum = Walk::default();
        while !sum.done {
            sum = sum.and(part(core, Some(fence)).await?);
        }
        tracing::info!(written = sum.written, current = sum.current, failed = sum.failed, "midnight: snapshots taken");
        (walked, revision) = self::walked(core).await?;
    }
    // A clock that was set back must not make anybody wait for more than a day.
    if walked.due_ms.is_none() || due_ms <= now_ms || due_ms > next_ms {
        walked.due_ms = Some(next_ms);
        note(core, &walked, revision, Some(fence)).await?;
    }
    let wait_ms = next_ms - core.env.wall_ms();
    Ok(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)))
}

/// Takes the snapshots of the next streams that changed since the walk stopped.
pub(crate) async fn part(core: &Arc<Core>, fence: Option<&Guard>) -> Result<Walk, StoreError> {
    let (mut walked, revision) = walked(core).await?;
    let asked_for = |stream: &str| core.rule_of(stream).is_some_and(Rule::is_asked_for);
    let schemas = core.map.snapshots.iter().filter_map(|(name, rule)| match rule.shape {
        Shape::Schema(schema) => Some(((*name).to_owned(), schema)),
        Shape::Build => None,
    });
    let schemas = schemas.collect();
    if walked.schemas != schemas {
        (walked.position, walked.schemas) = (0, schemas);
    }
    let (mut streams, mut walk) = (BTreeSet::new(), Walk::default());
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
    note(core, &walked, revision, fence).await?;
    Ok(walk)
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

/// Notes how far the walk is, unless somebody else walked meanwhile: their note stands, and at worst some
/// streams are looked at twice.
async fn note(
    core: &Core,
    walked: &Walked,
    revision: Option<CommitId>,
    fence: Option<&Guard>,
) -> Result<(), StoreError> {
    let key = walk_key();
    let mut commit = Commit::new(CommitId(digest(&["midnight", &core.settings.slot, &core.env.random().to_string()])));
    commit.guards.extend(fence.cloned());
    commit.guards.push(Guard::Doc(key.clone(), revision));
    let data = serde_json::to_vec(walked).expect("numbers by name encode as JSON").into();
    commit.docs.push(DocWrite { key, put: Some(DocBody { data, index: Vec::new() }) });
    match core.store.commit(commit).await? {
        Verdict::Done => Ok(()),
        Verdict::Refused(mismatches) => {
            core.leases.learn(&mismatches);
            Err(StoreError::Unavailable("another instance takes snapshots".into()))
        }
    }
}

/// The first midnight after a moment, where clocks are ahead of UTC by so many seconds.
fn midnight_after(now_ms: i64, utc_offset_s: i32) -> i64 {
    let offset_ms = i64::from(utc_offset_s) * 1_000;
    ((now_ms + offset_ms).div_euclid(DAY_MS) + 1) * DAY_MS - offset_ms
}

impl Walk {
    /// Two parts of one walk.
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        let (written, current) = (self.written + next.written, self.current + next.current);
        Self { written, current, failed: self.failed + next.failed, done: next.done }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_in_seoul_is_at_three_in_the_afternoon_utc() {
        const HOUR_MS: i64 = 3_600_000;
        let seoul = |now_ms| midnight_after(now_ms, 9 * 3_600);
        assert_eq!(seoul(0), 15 * HOUR_MS);
        assert_eq!(seoul(15 * HOUR_MS - 1), 15 * HOUR_MS);
        assert_eq!(seoul(15 * HOUR_MS), 39 * HOUR_MS, "the next one, at midnight itself");
        assert_eq!(seoul(-1), 15 * HOUR_MS);
        assert_eq!(seoul(-9 * HOUR_MS - 1), -9 * HOUR_MS, "before the epoch, too");
        assert_eq!(midnight_after(0, -3_600), HOUR_MS);
    }
}
