//! Forgets once-keys after a day, a few at a time.

use std::{ops::Bound, sync::Arc, time::Duration};

use bongsu_core::digest;

use crate::{
    command::{BY_TIME, ONCE, time_key},
    core::Core,
    ports::store::{Commit, CommitId, DocWrite, Guard, Scan, StoreError},
};

/// How long a repetition gets the kept answer.
const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;
/// Keys deleted in one Commit.
const BATCH: u32 = 250;
/// When nothing is left to forget it is looked again after so long; after a full batch much sooner.
const EVERY: Duration = Duration::from_secs(60);
const NEXT_BATCH: Duration = Duration::from_millis(250);
/// Whoever drains this shard forgets.
const LEASE: &str = "todo/0";

/// When to look next.
#[derive(Default)]
pub(crate) struct Forgetting {
    not_before: Duration,
}

impl Forgetting {
    /// Deletes one batch if it is time; under the lease, so that two instances never do the same work.
    pub(crate) async fn turn(&mut self, core: &Arc<Core>) -> Result<(), StoreError> {
        let now = core.env.mono();
        if now < self.not_before {
            return Ok(());
        }
        let Some(fence) = core.leases.guard(LEASE) else { return Ok(()) };
        self.not_before = now + EVERY;
        let old = core.store.scan(older_than(core.env.wall_ms() - KEPT_MS)).await?;
        if old.is_empty() {
            return Ok(());
        }
        if old.len() == BATCH as usize {
            self.not_before = now + NEXT_BATCH;
        }
        let mut commit = Commit::new(CommitId(digest(&["forget", &core.env.random().to_string()])));
        commit.guards.push(fence);
        for (_, doc) in old {
            commit.guards.push(Guard::Doc(doc.key.clone(), Some(doc.revision)));
            commit.docs.push(DocWrite { key: doc.key, put: None });
        }
        // Refused: another instance drains now. Unknown: what is still there is found again.
        core.store.commit(commit).await.map(drop)
    }
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
