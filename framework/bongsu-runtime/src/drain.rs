//! The one drainer: wakes processes, runs activities, and tries failed facts again, each when it is due; and has old
//! once-keys forgotten.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, pin_mut, select_biased};

use crate::{
    core::Core,
    forget::Forgetting,
    ports::{
        env::Task,
        store::{Scan, StoreError},
    },
    run_todo::run_todo,
    todo::{BY_DUE, JOBS_BY_DUE, TODO, due_key},
};

/// How long the drainer sleeps at most while other instances live: one may have written a to-do for it.
const NAP: Duration = Duration::from_millis(200);
/// How long at most when this instance is alone, and is told of everything it writes.
const LONG_NAP: Duration = Duration::from_secs(2);
/// Timers and failed facts in work at once.
const QUICK: usize = 64;

pub(crate) struct Drainer {
    core: Arc<Core>,
    /// Ids in work, so that nothing is started twice in this process.
    busy: Arc<Mutex<BTreeSet<String>>>,
    /// Dropping a task stops it.
    tasks: BTreeMap<String, Box<dyn Task>>,
    forgetting: Forgetting,
}

impl Drainer {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, busy: Arc::default(), tasks: BTreeMap::new(), forgetting: Forgetting::default() }
    }

    /// Drains while this instance lives; which shards, its leases say.
    pub(crate) async fn run(mut self) {
        let core = self.core.clone();
        loop {
            let rung = core.due.notified().fuse();
            pin_mut!(rung);
            let mut pause = if core.leases.alone() { LONG_NAP } else { NAP };
            for shard in core.leases.held("todo/") {
                let Some(number) = shard.strip_prefix("todo/").and_then(|number| number.parse().ok()) else { continue };
                match self.start_due(&shard, number).await {
                    Ok(next) => pause = pause.min(next),
                    Err(error) => tracing::warn!(%error, "to-dos cannot be read"),
                }
            }
            if let Err(error) = self.forgetting.turn(&core).await {
                tracing::warn!(%error, "old once-keys cannot be forgotten now");
            }
            let busy = self.busy().clone();
            self.tasks.retain(|id, _| busy.contains(id));
            let nap = core.env.sleep(pause).fuse();
            pin_mut!(nap);
            select_biased! { () = rung => {}, () = nap => {} }
        }
    }

    /// Starts what is due in one shard; says how long until the next.
    async fn start_due(&mut self, lease: &str, shard: u32) -> Result<Duration, StoreError> {
        let mut pause = LONG_NAP;
        for (index, most) in [(BY_DUE, QUICK), (JOBS_BY_DUE, self.core.settings.activity_concurrency)] {
            let page = most as u32 + 16;
            let now = self.core.env.wall_ms();
            for (cursor, doc) in self.core.store.scan(due(shard, index, page)).await? {
                let wait = due_of(&cursor) - now;
                if wait > 0 {
                    pause = pause.min(Duration::from_millis(wait as u64));
                    break;
                }
                if self.in_work(index) >= most {
                    break;
                }
                self.start(lease, index, doc.key.id);
            }
        }
        Ok(pause)
    }

    fn start(&mut self, lease: &str, index: u16, id: String) {
        if !self.busy().insert(id.clone()) {
            return;
        }
        let (core, busy, lease, key) = (self.core.clone(), self.busy.clone(), lease.to_owned(), id.clone());
        let work = async move {
            run_todo(&core, &lease, &key).await;
            busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            core.due.notify_one();
        };
        let name = if index == JOBS_BY_DUE { "job" } else { "todo" };
        let task = self.core.env.spawn(name, Box::pin(work));
        self.tasks.insert(id, task);
    }

    fn in_work(&self, index: u16) -> usize {
        self.busy().iter().filter(|id| id.starts_with("job/") == (index == JOBS_BY_DUE)).count()
    }

    fn busy(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The to-dos of one shard in order of due.
fn due(shard: u32, index: u16, limit: u32) -> Scan {
    Scan {
        table: TODO.to_owned(),
        index: Some(index),
        from: Bound::Included(due_key(shard, 0)),
        to: Bound::Excluded(due_key(shard + 1, 0)),
        descending: false,
        limit,
    }
}

/// The due time in a cursor of the due index.
fn due_of(cursor: &Bytes) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&cursor[1..9]);
    i64::try_from(u64::from_be_bytes(bytes)).unwrap_or(i64::MAX)
}
