//! The one drainer: wakes processes, runs activities, and tries failed facts again, each when it is due.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt, pin_mut, select_biased};

use crate::{
    commit::{
        core::Core,
        due::{AT_ONCE, DueTimes, until_next},
    },
    ports::{
        env::Task,
        store::{Scan, StoreError},
    },
    records::{
        todo::{List, TODO, due_key},
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
    /// When something is due next in each list that was looked at; [`AT_ONCE`]: something is, and has to wait for its turn.
    next: DueTimes,
    /// When all lists were last looked at.
    looked: Option<Duration>,
    /// Which shard comes first the next time: what is due in one never starves the others.
    turn: usize,
}

impl Drainer {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, busy: Arc::default(), tasks: BTreeMap::new(), next: DueTimes::new(), looked: None, turn: 0 }
    }

    /// Drains while this instance lives; which shards, its leases say.
    pub(crate) async fn run(mut self) {
        let core = self.core.clone();
        loop {
            let rung = core.due.rung.notified().fuse();
            pin_mut!(rung);
            let longest = if core.leases.alone() { LONG_NAP } else { NAP };
            let all = self.looked.is_none_or(|at| core.env.mono().saturating_sub(at) >= longest);
            self.learn(all);
            for list in self.lists() {
                if self.next.get(&list).is_some_and(|at_ms| *at_ms > core.env.wall_ms()) {
                    continue;
                }
                match self.start_due(list).await {
                    Ok(next) => drop(self.next.insert(list, next)),
                    Err(error) => {
                        self.next.remove(&list);
                        tracing::warn!(%error, "to-dos cannot be read");
                    }
                }
            }
            if all {
                self.looked = Some(core.env.mono());
            }
            let busy = self.busy().clone();
            self.tasks.retain(|id, _| busy.contains(id));
            let nap = core.env.sleep(self.nap(longest)).fuse();
            pin_mut!(nap);
            select_biased! { () = rung => {}, () = nap => {} }
        }
    }

    /// Takes in what is news. Now and then nothing is believed: others may have written to-dos, too.
    fn learn(&mut self, all: bool) {
        let news = self.core.due.take();
        if all || news.doubt {
            self.next.clear();
            return;
        }
        for (list, at_ms) in news.times {
            if let Some(known) = self.next.get_mut(&list) {
                *known = at_ms.min(*known);
            }
        }
    }

    /// The lists of the shards held, in the order of this turn. Of others nothing is known when they come back.
    fn lists(&mut self) -> Vec<List> {
        let mut shards = self.core.leases.shards();
        let first = self.turn % shards.len().max(1);
        shards.rotate_left(first);
        self.turn = self.turn.wrapping_add(1);
        self.next.retain(|list, _| shards.contains(&list.shard));
        shards.into_iter().flat_map(List::of_shard).collect()
    }

    /// Until something is due, or everything is to be looked at.
    fn nap(&self, longest: Duration) -> Duration {
        let next = until_next(&self.next, self.core.env.wall_ms()).unwrap_or(longest);
        let looked = self.looked.map_or(Duration::ZERO, |at| self.core.env.mono().saturating_sub(at));
        next.min(longest.saturating_sub(looked))
    }

    /// Starts what is due in one list; says when the next is. Reads the index alone: the documents may be many and
    /// large.
    async fn start_due(&mut self, list: List) -> Result<i64, StoreError> {
        let most = if list.is_of_jobs() { self.core.settings.activity_concurrency } else { QUICK };
        let now = self.core.env.wall_ms();
        let mut first = self.core.store.keys(by_due(list, FEW)).await?;
        if first.len() == FEW as usize && first.last().is_some_and(|last| due_of(last) <= now) {
            first = self.core.store.keys(by_due(list, most as u32 + BEYOND)).await?;
        }
        for cursor in first {
            let at_ms = due_of(&cursor);
            if at_ms > now {
                return Ok(at_ms);
            }
            // What is left over is started when something in work has ended, which rings.
            if self.in_work(list) >= most {
                return Ok(AT_ONCE);
            }
            match TodoId::at(&cursor) {
                Some(id) => self.start(list, id),
                None => tracing::warn!(?cursor, "an entry of the index on due is of no to-do"),
            }
        }
        Ok(i64::MAX)
    }

    fn start(&mut self, list: List, id: TodoId) {
        if !self.busy().insert(id.clone()) {
            return;
        }
        let core = self.core.clone();
        let busy = self.busy.clone();
        let key = id.clone();
        let work = async move {
            run_todo(&core, &key).await;
            busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            core.due.look_at(list);
        };
        let name = if list.is_of_jobs() { "job" } else { "todo" };
        let task = self.core.env.spawn(name, Box::pin(work));
        self.tasks.insert(id, task);
    }

    fn in_work(&self, list: List) -> usize {
        self.busy().iter().filter(|id| id.is_job() == list.is_of_jobs()).count()
    }

    fn busy(&self) -> MutexGuard<'_, BTreeSet<TodoId>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first to-dos of one list, in order of due.
fn by_due(List { shard, index }: List, limit: u32) -> Scan {
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
    // Behind the shard, which is one byte. An entry that is none is due: nothing behind it waits.
    let due = cursor.get(1..).and_then(<[u8]>::first_chunk).map_or(0, |due| u64::from_be_bytes(*due));
    i64::try_from(due).unwrap_or(i64::MAX)
}
