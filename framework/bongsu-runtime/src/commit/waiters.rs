//! Reads that wait for a read model: woken when a mark they wait for is written, and asking nothing until then.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::select;
use tokio::sync::Notify;

use crate::ports::{
    env::Env,
    store::{CommitId, DocKey},
};

/// Who waits for which documents.
#[derive(Default)]
pub(crate) struct Waiters {
    waiting: Mutex<BTreeMap<u64, Waiting>>,
    /// How many; read without the lock, for every Commit.
    pub(crate) many: AtomicUsize,
    last: Mutex<u64>,
    /// Rung when the first one comes.
    pub(crate) rung: Notify,
}

struct Waiting {
    /// Documents, with the revision that was seen of each.
    seen: Vec<(DocKey, Option<CommitId>)>,
    news: Arc<Notify>,
}

/// A place among those who wait; dropped, it is given back.
pub(crate) struct Waiter<'w> {
    waiters: &'w Waiters,
    id: u64,
    news: Arc<Notify>,
}

/// Most who wait at once: every Commit goes through all of them under a lock. More than that are a read model that stands
/// still, and who comes is told so at once.
const MOST: usize = 1_024;

impl Waiters {
    /// Waits among the others; `None` when too many do.
    pub(crate) fn join(&self) -> Option<Waiter<'_>> {
        let mut waiting = self.waiting();
        if waiting.len() >= MOST {
            return None;
        }
        let id = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last += 1;
            *last
        };
        let news = Arc::new(Notify::new());
        waiting.insert(id, Waiting { seen: Vec::new(), news: news.clone() });
        self.many.store(waiting.len(), Ordering::Relaxed);
        self.rung.notify_one();
        Some(Waiter { waiters: self, id, news })
    }

    /// Wakes who waits for one of these documents, which were written.
    pub(crate) fn written<'k>(&self, keys: impl Iterator<Item = &'k DocKey>) {
        if self.many.load(Ordering::Relaxed) == 0 {
            return;
        }
        let keys: BTreeSet<&DocKey> = keys.collect();
        for waiting in self.waiting().values() {
            if waiting.seen.iter().any(|(key, _)| keys.contains(key)) {
                waiting.news.notify_one();
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every document somebody waits for.
    pub(crate) fn keys(&self) -> Vec<DocKey> {
        let keys: BTreeSet<DocKey> =
            self.waiting().values().flat_map(|waiting| waiting.seen.iter().map(|(key, _)| key.clone())).collect();
        keys.into_iter().collect()
    }

    /// Wakes who saw another revision of something than this one.
    pub(crate) fn found(&self, now: &BTreeMap<DocKey, Option<CommitId>>) {
        for waiting in self.waiting().values() {
            if waiting.seen.iter().any(|(key, seen)| now.get(key).is_some_and(|now| now != seen)) {
                waiting.news.notify_one();
            }
        }
    }
}

impl Waiter<'_> {
    /// Says what was seen: a change of it from here on wakes.
    pub(crate) fn saw(&self, seen: Vec<(DocKey, Option<CommitId>)>) {
        if let Some(waiting) = self.waiters.waiting().get_mut(&self.id) {
            waiting.seen = seen;
        }
    }

    /// Waits until something of it may have changed, for so long at most.
    pub(crate) async fn news(&self, env: &dyn Env, at_most: Duration) {
        select(Box::pin(self.news.notified()), env.sleep(at_most)).await;
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut waiting = self.waiters.waiting();
        waiting.remove(&self.id);
        self.waiters.many.store(waiting.len(), Ordering::Relaxed);
    }
}
