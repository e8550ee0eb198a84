//! The memory model of the Store port: what every other adapter is compared with.
//!
//! It needs no runtime, no clock and no thread: a Commit is judged and applied when it is submitted, which is
//! the strictest reading of the port's "queued in call order". Start reading at `state::State::apply`.

use std::{
    fmt,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bongsu_runtime::ports::{
    Fut,
    env::Env,
    store::{
        Commit, CommitId, Doc, DocKey, Position, Read, Scan, Store, StoreError, StoredEvent, StoredFacts, Verdict,
    },
};
use bytes::Bytes;
use futures::future::{Either, select};
use tokio::sync::Notify;

mod state;

use state::State;

/// How long [`Store::changed`] waits for news at most, when there is a clock.
const HINT: Duration = Duration::from_millis(100);

/// A Store in memory. Clones share one store, as instances of a service share one database.
///
/// ```
/// use bongsu_runtime::ports::store::{Commit, CommitId, DocBody, DocKey, DocWrite, Store, Verdict};
/// use bongsu_memory::MemoryStore;
///
/// let store = MemoryStore::new();
/// let mut commit = Commit::new(CommitId(1));
/// commit.docs.push(DocWrite { key: DocKey::new("doors", "front"), put: Some(DocBody::default()) });
/// let verdict = futures::executor::block_on(store.commit(commit));
/// assert_eq!(verdict, Ok(Verdict::Done));
/// assert_eq!(store.all_docs()[0].key, DocKey::new("doors", "front"));
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    news: Arc<Notify>,
    env: Option<Arc<dyn Env>>,
}

impl MemoryStore {
    /// An empty store whose [`Store::changed`] wakes on change only.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store whose [`Store::changed`] also resolves after 100 ms of this clock.
    pub fn with_env(env: Arc<dyn Env>) -> Self {
        Self { shared: Arc::new(Shared { env: Some(env), ..Shared::default() }) }
    }

    /// Another store with what this one holds now, as a backup of a file is.
    pub fn copy(&self) -> Self {
        let Shared { env, .. } = &*self.shared;
        let state = Mutex::new(self.state().clone());
        Self { shared: Arc::new(Shared { state, news: Arc::default(), env: env.clone() }) }
    }

    /// Holds from now on what a copy holds, as if its file had been put in the place of this one's. Whoever uses it has
    /// to be dead.
    pub fn set_back(&self, copy: &Self) {
        *self.state() = copy.state().clone();
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.state().end().0 as usize
    }

    /// Whether it holds no event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every event in commit order: for checkers.
    pub fn all_events(&self) -> Vec<StoredEvent> {
        self.look(<[StoredEvent]>::to_vec)
    }

    /// The same without a copy; the store waits meanwhile.
    pub fn look<T>(&self, at: impl FnOnce(&[StoredEvent]) -> T) -> T {
        at(self.state().events())
    }

    /// The facts of every event that carries some, in commit order; the store waits meanwhile.
    pub fn look_at_facts<T>(&self, at: impl FnOnce(&[StoredFacts]) -> T) -> T {
        at(self.state().all_facts())
    }

    /// A document, at once: for checkers.
    pub fn doc(&self, table: &str, id: &str) -> Option<Doc> {
        self.state().doc(DocKey::new(table, id))
    }

    /// The data of a document alone.
    pub fn data(&self, table: &str, id: &str) -> Option<Bytes> {
        self.state().row(table, id).map(|row| row.body.data.clone())
    }

    /// The documents of one table, by id, as (id, revision, data) and without a copy; the store waits meanwhile.
    ///
    /// # Errors
    /// The first that `at` gives.
    pub fn each_doc(
        &self,
        table: &str,
        at: impl FnMut(&str, CommitId, &Bytes) -> Result<(), String>,
    ) -> Result<(), String> {
        self.state().each_doc(table, at)
    }

    /// Every document, by table and id: for checkers.
    pub fn all_docs(&self) -> Vec<Doc> {
        self.state().all_docs()
    }

    /// Every document of one table, by id: for checkers.
    pub fn docs_of(&self, table: &str) -> Vec<Doc> {
        self.state().docs_of(table)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic inside the lock can only come from a defect in the model; later readers may still look.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn commit(&self, commit: Commit) -> Fut<'static, Result<Verdict, StoreError>> {
        let writes = !commit.events.is_empty() || !commit.docs.is_empty();
        let verdict = commit.check().map(|()| self.state().apply(commit));
        if writes && verdict == Ok(Verdict::Done) {
            self.shared.news.notify_waiters();
        }
        Box::pin(ready(verdict))
    }

    fn read(&self, what: Read, limit: u32) -> Fut<'_, Result<Vec<StoredEvent>, StoreError>> {
        Box::pin(ready(Ok(self.state().read(&what, limit as usize))))
    }

    fn facts(&self, after: Position, limit: u32) -> Fut<'_, Result<Vec<StoredFacts>, StoreError>> {
        Box::pin(ready(Ok(self.state().facts(after, limit as usize))))
    }

    fn docs(&self, keys: Vec<DocKey>) -> Fut<'_, Result<Vec<Option<Doc>>, StoreError>> {
        let state = self.state();
        let found = keys.into_iter().map(|key| state.doc(key)).collect();
        Box::pin(ready(Ok(found)))
    }

    fn scan(&self, what: Scan) -> Fut<'_, Result<Vec<(Bytes, Doc)>, StoreError>> {
        Box::pin(ready(Ok(self.state().scan(&what))))
    }

    fn keys(&self, what: Scan) -> Fut<'_, Result<Vec<Bytes>, StoreError>> {
        Box::pin(ready(Ok(self.state().keys(&what))))
    }

    fn head(&self) -> Fut<'_, Result<Position, StoreError>> {
        Box::pin(ready(Ok(self.state().end())))
    }

    fn position_of<'a>(&'a self, stream: &'a str, version: u64) -> Fut<'a, Result<Option<Position>, StoreError>> {
        Box::pin(ready(Ok(self.state().position_of(stream, version))))
    }

    fn changed(&self, after: Position) -> Fut<'_, ()> {
        // Registered before looking, so that a Commit in between is not missed.
        let news = Arc::clone(&self.shared.news).notified_owned();
        if self.state().end() > after {
            return Box::pin(ready(()));
        }
        let Some(env) = &self.shared.env else { return Box::pin(news) };
        let pause = env.sleep(HINT);
        Box::pin(async move {
            match select(Box::pin(news), pause).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        })
    }

    fn drop_table<'a>(&'a self, table: &'a str) -> Fut<'a, Result<(), StoreError>> {
        self.state().drop_table(table);
        self.shared.news.notify_waiters();
        Box::pin(ready(Ok(())))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore(head {})", self.state().end().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bongsu_conformance::store::{
        StoreFactory,
        crash::{Dropped, Mortal},
    };

    struct Memory;

    impl StoreFactory for Memory {
        fn open(&self, instances: usize) -> Fut<'_, Vec<Arc<dyn Store>>> {
            let store = MemoryStore::new();
            Box::pin(ready((0..instances).map(|_| Arc::new(store.clone()) as Arc<dyn Store>).collect()))
        }

        fn mortal(&self) -> Box<dyn Mortal> {
            let store = MemoryStore::new();
            Box::new(Dropped(move || Arc::new(store.clone()) as Arc<dyn Store>))
        }
    }

    bongsu_conformance::store_conformance!(Memory);
}
