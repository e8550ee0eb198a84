//! The one drainer: wakes processes, runs activities, and tries failed facts again, each when it is due.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt, pin_mut, select_biased};

use crate::{
    commit::core::Core,
    ports::{
        env::Task,
        store::{Scan, StoreError},
    },
    records::{
        todo::{BY_DUE, JOBS_BY_DUE, TODO, due_key},
        todo_id::TodoId,
    },
    todo::attempt::run_todo,
};

/// How long the drainer sleeps at most while other instances live: one may have written a to-do for it.
const NAP: Duration = Duration::from_millis(200);
/// How long at most when this instance is alone, and is told of everything it writes.
const LONG_NAP: Duration = Duration::from_secs(2);
/// Timers and failed facts in work at once: each is a Commit, and more would only wait for the store.
const QUICK: usize = 64;
/// So many more are looked at than may be in work: some of those found are in work already.
const BEYOND: u32 = 16;
/// So many are looked at first: mostly one or none is due, and what comes after it says when to wake.
const FEW: u32 = 8;

pub(crate) struct Drainer {
    core: Arc<Core>,
    /// Ids in work, so that nothing is started twice in this process.
    busy: Arc<Mutex<BTreeSet<TodoId>>>,
    /// Dropping a task stops it.
    tasks: BTreeMap<TodoId, Box<dyn Task>>,
    /// Which shard comes first the next time: what is due in one never starves the others.
    turn: usize,
}

impl Drainer {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, busy: Arc::default(), tasks: BTreeMap::new(), turn: 0 }
    }

    /// Drains while this instance lives; which shards, its leases say.
    pub(crate) async fn run(mut self) {
        let core = self.core.clone();
        loop {
            let rung = core.due.notified().fuse();
            pin_mut!(rung);
            let mut pause = if core.leases.alone() { LONG_NAP } else { NAP };
            let mut shards = core.leases.shards();
            let first = self.turn % shards.len().max(1);
            shards.rotate_left(first);
            self.turn = self.turn.wrapping_add(1);
            for shard in shards {
                match self.start_due(shard).await {
                    Ok(next) => pause = pause.min(next),
                    Err(error) => tracing::warn!(%error, "to-dos cannot be read"),
                }
            }
            let busy = self.busy().clone();
            self.tasks.retain(|id, _| busy.contains(id));
            let nap = core.env.sleep(pause).fuse();
            pin_mut!(nap);
            select_biased! { () = rung => {}, () = nap => {} }
        }
    }

    /// Starts what is due in one shard; says how long until the next. Reads the index alone: the documents may be many and
    /// large.
    async fn start_due(&mut self, shard: u32) -> Result<Duration, StoreError> {
        let mut pause = LONG_NAP;
        for (index, most) in [(BY_DUE, QUICK), (JOBS_BY_DUE, self.core.settings.activity_concurrency)] {
            let now = self.core.env.wall_ms();
            let mut first = self.core.store.keys(by_due(shard, index, FEW)).await?;
            if first.len() == FEW as usize && first.last().is_some_and(|last| due_of(last) <= now) {
                first = self.core.store.keys(by_due(shard, index, most as u32 + BEYOND)).await?;
            }
            for cursor in first {
                let wait = due_of(&cursor).saturating_sub(now);
                if wait > 0 {
                    pause = pause.min(Duration::from_millis(wait as u64));
                    break;
                }
                // What is left over is started when something in work has ended, which rings.
                if self.in_work(index) >= most {
                    break;
                }
                if let Some(id) = TodoId::at(&cursor) {
                    self.start(index, id);
                }
            }
        }
        Ok(pause)
    }

    fn start(&mut self, index: u16, id: TodoId) {
        if !self.busy().insert(id.clone()) {
            return;
        }
        let core = self.core.clone();
        let busy = self.busy.clone();
        let key = id.clone();
        let work = async move {
            run_todo(&core, &key).await;
            busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            core.due.notify_one();
        };
        let name = if index == JOBS_BY_DUE { "job" } else { "todo" };
        let task = self.core.env.spawn(name, Box::pin(work));
        self.tasks.insert(id, task);
    }

    fn in_work(&self, index: u16) -> usize {
        self.busy().iter().filter(|id| id.is_job() == (index == JOBS_BY_DUE)).count()
    }

    fn busy(&self) -> MutexGuard<'_, BTreeSet<TodoId>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first to-dos of one shard, in order of due.
fn by_due(shard: u32, index: u16, limit: u32) -> Scan {
    Scan {
        table: TODO.to_owned(),
        index: Some(index),
        from: Bound::Included(due_key(shard, 0)),
        to: Bound::Excluded(due_key(shard, i64::MAX)),
        descending: false,
        limit,
    }
}

/// The due time in a cursor of the due index.
fn due_of(cursor: &[u8]) -> i64 {
    // Behind the shard, which is one byte.
    let due = cursor[1..].first_chunk().map_or(u64::MAX, |due| u64::from_be_bytes(*due));
    i64::try_from(due).unwrap_or(i64::MAX)
}
