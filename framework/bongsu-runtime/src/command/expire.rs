//! Forgets once-keys after a day, a batch at a time, as fast as they come.
//!
//! A day is counted in time that this process has lived through since its start: a clock that jumps ahead does not make
//! yesterday's keys old at once.

use std::{ops::Bound, sync::Arc, time::Duration};

use bongsu_core::digest;
use futures::{FutureExt, pin_mut, select_biased};

use crate::{
    commit::{attempt::Tried, core::Core},
    ports::store::{Commit, CommitId, DocKey, DocWrite, Scan, StoreError, id_of},
    records::{
        lease::Resource,
        once::{BY_TIME, ONCE, time_key},
    },
};

/// How long a repetition gets the kept answer: a day, as the conventions of HTTP here promise it.
const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;
/// Keys deleted in one Commit: it holds the file for no longer than a few commands do.
const BATCH: u32 = 250;
/// When nothing is left to forget it is looked again after so long: of a day that keys are kept, a minute more is
/// nothing.
const EVERY: Duration = Duration::from_secs(60);
/// How long it gives way at least after each batch: a few commands get their turn.
const BREATH: Duration = Duration::from_millis(20);
/// How long after a failure: nothing depends on a key being forgotten soon.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Whoever drains this shard forgets.
const SHARD: Resource = Resource::Shard(0);
/// In four parts of the time that passed what is forgotten may come a fifth part nearer: after days in which the machine
/// slept it catches up, and after a jump of the clock a key is known for nineteen hours at least.
const CATCHES_UP: i64 = 4;

/// Up to which time keys may be forgotten, and when that was so.
struct Known {
    until_ms: i64,
    at: Duration,
}

/// Forgets while this instance lives; under a lease, so that two instances never do the same work.
pub(crate) async fn run(core: Arc<Core>) {
    let mut known = Known { until_ms: core.env.wall_ms().saturating_sub(KEPT_MS), at: core.env.mono() };
    loop {
        // Whoever has just started holds no lease yet.
        let changed = core.leases.changed.notified().fuse();
        pin_mut!(changed);
        let began = core.env.mono();
        let pause = match turn(&core, &mut known).await {
            Ok(true) => (core.env.mono() - began).max(BREATH),
            Ok(false) => {
                let nap = core.env.sleep(EVERY).fuse();
                pin_mut!(nap);
                select_biased! { () = changed => {}, () = nap => {} }
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, "old once-keys cannot be forgotten now");
                AFTER_FAILURE
            }
        };
        core.env.sleep(pause).await;
    }
}

/// Deletes one batch; whether there may be more.
async fn turn(core: &Arc<Core>, known: &mut Known) -> Result<bool, StoreError> {
    let now = core.env.mono();
    let day_ago = core.env.wall_ms().saturating_sub(KEPT_MS);
    let passed = i64::try_from((now - known.at).as_millis()).unwrap_or(i64::MAX);
    let lived = known.until_ms.saturating_add(passed).saturating_add(passed / CATCHES_UP);
    *known = Known { until_ms: day_ago.min(lived), at: now };
    let Some(fence) = core.leases.guard(&SHARD) else { return Ok(false) };
    let old = core.store.keys(older_than(known.until_ms)).await?;
    if old.is_empty() {
        return Ok(false);
    }
    let mut commit = Commit::new(CommitId(digest(&["forget", &core.env.random().to_string()])));
    commit.guards.push(fence);
    // Nobody writes a key twice: what is there is what was found.
    let ids = old.iter().filter_map(|cursor| id_of(cursor));
    commit.docs.extend(ids.map(|id| DocWrite { key: DocKey::of(ONCE, id), put: None }));
    // Overtaken or unknown: what is still there is found again.
    let tried = core.attempt_documents(commit).await?;
    Ok(matches!(tried, Tried::Done) && old.len() == BATCH as usize)
}

fn older_than(ms: i64) -> Scan {
    Scan {
        table: ONCE.to_owned(),
        index: Some(BY_TIME),
        from: Bound::Unbounded,
        to: Bound::Excluded(time_key(ms)),
        descending: false,
        limit: BATCH,
    }
}
