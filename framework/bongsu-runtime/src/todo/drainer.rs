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

    /// Starts what is due in one shard; says how long until the next. Reads the index alone, and of what is not due the
    /// first entry alone: the documents may be many and large.
    async fn start_due(&mut self, shard: u32) -> Result<Duration, StoreError> {
        let mut pause = LONG_NAP;
        for (index, most) in [(BY_DUE, QUICK), (JOBS_BY_DUE, self.core.settings.activity_concurrency)] {
            let page = most as u32 + BEYOND;
            let now = self.core.env.wall_ms();
            let (past, future) = ((0, now.saturating_add(1)), (now.saturating_add(1), i64::MAX));
            let found = self.core.store.keys(due(shard, index, past, page)).await?;
            let is_all = found.len() < page as usize;
            for cursor in found {
                if self.in_work(index) >= most {
                    break;
                }
                if let Some(id) = TodoId::at(&cursor) {
                    self.start(index, id);
                }
            }
            // What is left over is started when something in work has ended, which rings.
            if is_all && let Some(next) = self.core.store.keys(due(shard, index, future, 1)).await?.first() {
                pause = pause.min(Duration::from_millis(due_of(next).saturating_sub(now).max(0) as u64));
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

/// The to-dos of one shard that are due from one time on and before another, in order.
fn due(shard: u32, index: u16, (from, until): (i64, i64), limit: u32) -> Scan {
    Scan {
        table: TODO.to_owned(),
        index: Some(index),
        from: Bound::Included(due_key(shard, from)),
        to: Bound::Excluded(due_key(shard, until)),
        descending: false,
        limit,
    }
}

/// The due time in a cursor of the due index.
fn due_of(cursor: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&cursor[1..9]);
    i64::try_from(u64::from_be_bytes(bytes)).unwrap_or(i64::MAX)
}
