//! A store that counts what is read of it, and that can be exchanged for another beneath a running service.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use bongsu_memory::MemoryStore;
use bongsu_runtime::ports::{
    Fut,
    store::{Commit, Doc, DocKey, Position, Read, Scan, Store, StoreError, StoredEvent, StoredFacts, Verdict},
};
use bytes::Bytes;

/// See the file's head. Clones share the counters and the store beneath.
#[derive(Clone)]
pub(crate) struct Counting {
    store: Arc<Mutex<MemoryStore>>,
    calls: Arc<AtomicU64>,
    events: Arc<AtomicU64>,
    fails: Arc<AtomicU64>,
}

impl Counting {
    pub(crate) fn over(store: &MemoryStore) -> Self {
        Self {
            store: Arc::new(Mutex::new(store.clone())),
            calls: Arc::default(),
            events: Arc::default(),
            fails: Arc::default(),
        }
    }

    /// How often it was read since the last time this was asked.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.swap(0, Ordering::Relaxed)
    }

    /// How many events it gave away since the last time this was asked.
    pub(crate) fn events(&self) -> u64 {
        self.events.swap(0, Ordering::Relaxed)
    }

    /// Answers that it is away to so many of the next Commits that write events.
    pub(crate) fn fail(&self, times: u64) {
        self.fails.store(times, Ordering::Relaxed);
    }

    /// Puts another store beneath.
    pub(crate) fn exchange(&self, store: &MemoryStore) {
        *self.store.lock().unwrap() = store.clone();
    }

    fn beneath(&self) -> MemoryStore {
        self.store.lock().unwrap().clone()
    }

    /// Counts one reading, and gives what it reads.
    fn count<T: Send + 'static>(
        &self,
        read: impl FnOnce(MemoryStore) -> Fut<'static, Result<T, StoreError>>,
    ) -> Fut<'static, Result<T, StoreError>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        read(self.beneath())
    }
}

impl Store for Counting {
    fn commit(&self, commit: Commit) -> Fut<'static, Result<Verdict, StoreError>> {
        let one_less = |left: u64| left.checked_sub(1);
        let fails = || self.fails.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
        if !commit.events.is_empty() && fails() {
            return Box::pin(async { Err(StoreError::Unavailable("it is away".into())) });
        }
        self.beneath().commit(commit)
    }

    fn read(&self, what: Read, limit: u32) -> Fut<'_, Result<Vec<StoredEvent>, StoreError>> {
        let events = self.events.clone();
        self.count(move |store| {
            Box::pin(async move {
                let found = store.read(what, limit).await?;
                events.fetch_add(found.len() as u64, Ordering::Relaxed);
                Ok(found)
            })
        })
    }

    fn facts(&self, after: Position, limit: u32) -> Fut<'_, Result<Vec<StoredFacts>, StoreError>> {
        self.count(move |store| Box::pin(async move { store.facts(after, limit).await }))
    }

    fn docs(&self, keys: Vec<DocKey>) -> Fut<'_, Result<Vec<Option<Doc>>, StoreError>> {
        self.count(move |store| Box::pin(async move { store.docs(keys).await }))
    }

    fn scan(&self, what: Scan) -> Fut<'_, Result<Vec<(Bytes, Doc)>, StoreError>> {
        self.count(move |store| Box::pin(async move { store.scan(what).await }))
    }

    fn head(&self) -> Fut<'_, Result<Position, StoreError>> {
        self.count(|store| Box::pin(async move { store.head().await }))
    }

    fn position_of<'a>(&'a self, stream: &'a str, version: u64) -> Fut<'a, Result<Option<Position>, StoreError>> {
        let stream = stream.to_owned();
        self.count(move |store| Box::pin(async move { store.position_of(&stream, version).await }))
    }

    fn changed(&self, after: Position) -> Fut<'_, ()> {
        let store = self.beneath();
        Box::pin(async move { store.changed(after).await })
    }

    fn drop_table<'a>(&'a self, table: &'a str) -> Fut<'a, Result<(), StoreError>> {
        let store = self.beneath();
        Box::pin(async move { store.drop_table(table).await })
    }
}
