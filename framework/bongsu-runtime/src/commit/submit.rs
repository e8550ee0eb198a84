//! The one way a planned unit reaches the store, and what is believed meanwhile.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    commit::{
        cache::{Cache, CachedDoc, CachedStream, is_about},
        core::Core,
        due::DueTimes,
        unit::{Plan, Unit},
        wanted::Taken,
    },
    ports::{
        Fut, coverage,
        store::{Commit, CommitId, DocKey, MAX_ITEMS, Mismatch, StoreError, Verdict},
    },
    records::once::ONCE,
};

/// A Commit that is queued.
pub(crate) struct Queued {
    verdict: Fut<'static, Result<Verdict, StoreError>>,
    pub(crate) id: CommitId,
    belief: Belief,
    due: DueTimes,
    /// What is snapshot once this is durable.
    snapshots: Vec<(String, Taken)>,
}

/// What the cache believes because of a Commit whose verdict is not known yet. Dropped without a verdict (its
/// caller was cancelled) the belief is given up: whatever became of the Commit, the store knows.
struct Belief {
    core: Arc<Core>,
    id: CommitId,
    streams: Vec<Leaves>,
    docs: Vec<DocKey>,
    settled: bool,
}

/// What a Commit leaves of a stream it read, and whether it changes it.
struct Leaves {
    stream: String,
    after: CachedStream,
    changed: bool,
}

/// How a queued Commit ended.
#[derive(Debug)]
pub(crate) enum Settled {
    /// Durable.
    Done,
    /// Something it rests on has changed.
    Refused(Vec<Mismatch>),
    /// The store did not say Done.
    Failed(StoreError),
}

/// The plan rests on something this process already knows to have changed: plan again.
#[derive(Debug)]
pub(crate) struct Stale;

impl Core {
    /// Queues a plan. The cache believes it from here on, so that the next plan may rest on it; both happen
    /// under one lock, so that the store's queue has the order in which plans were believed.
    pub(crate) fn submit(self: &Arc<Self>, plan: Plan) -> Result<Queued, Stale> {
        let mut cache = self.cache();
        let streams_fresh =
            plan.streams.iter().all(|(stream, read, _)| cache.stream(stream).is_none_or(|known| known.is_at(read)));
        let docs_fresh = plan.docs.iter().all(|(key, read, _)| match read {
            Some(_) if key.table == ONCE => true,
            Some(read) => cache.doc(key).is_none_or(|doc| doc.revision == read.revision),
            None => true,
        });
        if !streams_fresh || !docs_fresh {
            return Err(Stale);
        }
        self.submitted.fetch_add(1, Ordering::Relaxed);
        self.env.step("commit.queue");
        let id = plan.commit.id;
        let mut belief = Belief { core: self.clone(), id, streams: Vec::new(), docs: Vec::new(), settled: false };
        let verdict = self.store.commit(plan.commit);
        let mut snapshots = Vec::new();
        for (stream, read, after) in plan.streams {
            if self.snapshot_is_due(&stream, read.version, after.version) {
                let (version, state) = (after.version, after.state.clone());
                snapshots.push((stream.clone(), Taken { version, commit: id, state }));
            }
            cache.believe(&stream, after.clone());
            let changed = !after.is_at(&read);
            belief.streams.push(Leaves { stream, after, changed });
        }
        for (key, _, after) in plan.docs {
            if let Some(after) = after
                && key.table != ONCE
            {
                cache.put_doc(key.clone(), after);
            }
            belief.docs.push(key);
        }
        Ok(Queued { verdict, id, belief, due: plan.due, snapshots })
    }

    /// Whether everything a unit has read is still so; what is not is forgotten. The store alone can tell.
    pub(crate) async fn still_holds(&self, unit: Unit) -> Result<bool, StoreError> {
        self.hold(unit.plan()).await
    }

    /// Whether all guards of a plan hold; what does not is forgotten. So many at a time as one Commit may have.
    pub(crate) async fn hold(&self, plan: Plan) -> Result<bool, StoreError> {
        for some in plan.commit.guards.chunks(MAX_ITEMS) {
            let mut commit = Commit::new(plan.commit.id);
            commit.guards = some.to_vec();
            if let Verdict::Refused(mismatches) = self.store.commit(commit).await? {
                let mut cache = self.cache();
                cache.learn(&mismatches);
                for (stream, read, _) in &plan.streams {
                    if mismatches.iter().any(|mismatch| is_about(mismatch, stream)) {
                        cache.doubt(stream, read.reading);
                    }
                }
                drop(cache);
                self.leases.learn(&mismatches);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits for the verdict and sets the cache right when it is not Done.
    pub(crate) async fn settle(&self, queued: Queued) -> Settled {
        let Queued { verdict, mut belief, due, snapshots, .. } = queued;
        let settled = match verdict.await {
            Ok(Verdict::Done) => Settled::Done,
            Ok(Verdict::Refused(mismatches)) => Settled::Refused(mismatches),
            Err(error) => Settled::Failed(error),
        };
        belief.settled = true;
        match &settled {
            Settled::Done => {
                belief.confirm();
                self.waiters.written(belief.docs.iter());
                snapshots.into_iter().for_each(|(stream, taken)| self.wanted.ask(&stream, taken));
                self.due.learn(due);
            }
            Settled::Refused(mismatches) => {
                self.cache().learn(mismatches);
                belief.give_up(|leaves| {
                    leaves.changed || mismatches.iter().any(|mismatch| is_about(mismatch, &leaves.stream))
                });
                if self.leases.learn(mismatches) {
                    self.env.sometimes(coverage::LEASE_LOST);
                }
            }
            Settled::Failed(error) => {
                belief.give_up(|_| true);
                if matches!(error, StoreError::Unknown(_)) {
                    // Its to-dos may be there all the same.
                    self.due.look_at_all();
                }
                self.health.store_failed(self.map.name, error);
            }
        }
        settled
    }
}

impl Belief {
    /// It is durable. What was only read was guarded, and so is confirmed as well.
    fn confirm(&self) {
        let mut cache = self.core.cache();
        self.streams.iter().for_each(|leaves| cache.confirm(&leaves.stream, &leaves.after));
    }

    /// It is not, or nobody knows: what it changed is not believed any more, nor what else is `wrong`.
    fn give_up(&self, wrong: impl Fn(&Leaves) -> bool) {
        let mut cache = self.core.cache();
        for leaves in self.streams.iter().filter(|leaves| wrong(leaves)) {
            cache.doubt(&leaves.stream, leaves.after.reading);
        }
        self.docs.iter().for_each(|key| forget_own(&mut cache, key, self.id));
    }
}

impl Drop for Belief {
    fn drop(&mut self) {
        if !self.settled {
            self.give_up(|_| true);
            self.core.due.look_at_all();
        }
    }
}

/// Forgets a document if this Commit's own write is what is believed. A deletion leaves no name, so every belief in
/// an absence goes: at worst it is read again.
fn forget_own(cache: &mut Cache, key: &DocKey, id: CommitId) {
    if cache.doc(key).is_some_and(|CachedDoc { revision, .. }| revision.is_none_or(|revision| revision == id)) {
        cache.forget_doc(key);
    }
}
