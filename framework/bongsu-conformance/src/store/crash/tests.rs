//! Stores that a crash harms: each must be found out by what it does.

use std::sync::{Arc, Mutex, PoisonError};

use bongsu_runtime::ports::{
    Fut,
    store::{
        Commit, CommitId, Doc, DocKey, Position, Read, Scan, Store, StoreError, StoredEvent, StoredFacts, Verdict,
    },
};
use bytes::Bytes;
use futures::{FutureExt as _, executor::block_on, future::LocalBoxFuture};

use super::{super::factory::StoreFactory, Dropped, Life, Mortal, Said};
use bongsu_memory::MemoryStore;

/// What a crash does to a store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Harm {
    Nothing,
    /// The last Commit that was acknowledged is gone: an answer before the fsync.
    LastForgotten,
    /// The events of the last one are there, its documents are not.
    EventsWithoutDocs,
    /// The documents of the last one are there, its events are not.
    DocsWithoutEvents,
    /// The last ones were applied in another order than called.
    LastTwoSwapped,
    /// What is found again was written by somebody else.
    RevisionsChanged,
    /// A place in the feed that nobody fills.
    PositionsSkipped,
}

/// A store that is made anew from what it has written, less what the harm takes.
#[derive(Clone)]
struct Careless(Arc<Mutex<State>>);

struct State {
    harm: Harm,
    inner: MemoryStore,
    /// Commits that were taken, in order.
    written: Vec<Commit>,
    skipped: u64,
}

impl Careless {
    fn new(harm: Harm) -> Self {
        Self(Arc::new(Mutex::new(State { harm, inner: MemoryStore::new(), written: Vec::new(), skipped: 0 })))
    }

    fn inner(&self) -> MemoryStore {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).inner.clone()
    }

    fn crash(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (harm, last) = (state.harm, state.written.len().saturating_sub(1));
        match harm {
            Harm::Nothing => {}
            Harm::PositionsSkipped => state.skipped += u64::from(!state.written.is_empty()),
            Harm::LastForgotten => drop(state.written.pop()),
            Harm::EventsWithoutDocs => state.written.iter_mut().skip(last).for_each(|commit| commit.docs.clear()),
            Harm::DocsWithoutEvents => state.written.iter_mut().skip(last).for_each(|commit| commit.events.clear()),
            Harm::LastTwoSwapped if last > 0 => state.written.swap(last - 1, last),
            Harm::LastTwoSwapped => {}
            Harm::RevisionsChanged => {
                state.written.iter_mut().skip(last).for_each(|commit| commit.id = CommitId(commit.id.0 + (1 << 64)));
            }
        }
        state.inner = MemoryStore::new();
        for commit in &state.written {
            // Judged once already; in a harmed order some are refused.
            let _judged = at_once(state.inner.commit(commit.clone()));
        }
    }
}

impl Mortal for Careless {
    fn live<'a>(&'a self, life: &'a Life) -> LocalBoxFuture<'a, Vec<Said>> {
        let this = self.clone();
        Box::pin(async move {
            let said = Dropped(move || Arc::new(this.clone()) as Arc<dyn Store>).live(life).await;
            self.crash();
            said
        })
    }

    fn look(&self) -> Fut<'_, Arc<dyn Store>> {
        Box::pin(std::future::ready(Arc::new(self.clone()) as Arc<dyn Store>))
    }
}

impl Store for Careless {
    fn commit(&self, commit: Commit) -> Fut<'static, Result<Verdict, StoreError>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = at_once(state.inner.commit(commit.clone()));
        if verdict == Ok(Verdict::Done) {
            state.written.push(commit);
        }
        Box::pin(std::future::ready(verdict))
    }

    fn read(&self, what: Read, limit: u32) -> Fut<'_, Result<Vec<StoredEvent>, StoreError>> {
        let skipped = self.0.lock().unwrap_or_else(PoisonError::into_inner).skipped;
        let moved = |mut event: StoredEvent| {
            event.position = event.position.map(|at| Position(at.0 + skipped));
            event
        };
        let events = at_once(self.inner().read(what, limit));
        Box::pin(std::future::ready(events.map(|events| events.into_iter().map(moved).collect())))
    }

    fn facts(&self, after: Position, limit: u32) -> Fut<'_, Result<Vec<StoredFacts>, StoreError>> {
        Box::pin(std::future::ready(at_once(self.inner().facts(after, limit))))
    }

    fn docs(&self, keys: Vec<DocKey>) -> Fut<'_, Result<Vec<Option<Doc>>, StoreError>> {
        Box::pin(std::future::ready(at_once(self.inner().docs(keys))))
    }

    fn scan(&self, what: Scan) -> Fut<'_, Result<Vec<(Bytes, Doc)>, StoreError>> {
        Box::pin(std::future::ready(at_once(self.inner().scan(what))))
    }

    fn head(&self) -> Fut<'_, Result<Position, StoreError>> {
        Box::pin(std::future::ready(at_once(self.inner().head())))
    }

    fn position_of<'a>(&'a self, stream: &'a str, version: u64) -> Fut<'a, Result<Option<Position>, StoreError>> {
        Box::pin(std::future::ready(at_once(self.inner().position_of(stream, version))))
    }

    fn changed(&self, after: Position) -> Fut<'_, ()> {
        let inner = self.inner();
        Box::pin(async move { inner.changed(after).await })
    }

    fn drop_table<'a>(&'a self, table: &'a str) -> Fut<'a, Result<(), StoreError>> {
        // Gone from what is written as well.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for commit in &mut state.written {
            commit.docs.retain(|write| write.key.table != table);
            commit.guards.clear();
        }
        Box::pin(std::future::ready(at_once(state.inner.drop_table(table))))
    }
}

/// What the memory model answers, which never waits.
fn at_once<T>(answer: Fut<'_, T>) -> T {
    answer.now_or_never().expect("the memory model answers at once")
}

struct Factory(Harm);

impl StoreFactory for Factory {
    fn open(&self, _: usize) -> Fut<'_, Vec<Arc<dyn Store>>> {
        unreachable!("the rule about crashes opens its own")
    }

    fn mortal(&self) -> Box<dyn Mortal> {
        Box::new(Careless::new(self.0))
    }
}

fn found(harm: Harm) -> Option<String> {
    let tried = std::panic::catch_unwind(|| block_on(super::survives_crashes(&Factory(harm), 1)));
    let panic = tried.err()?;
    Some(panic.downcast_ref::<String>().cloned().expect("it says what it found"))
}

#[test]
fn a_store_that_a_crash_does_not_harm_is_not_accused() {
    assert_eq!(found(Harm::Nothing), None);
}

#[test]
fn a_store_that_forgets_halves_reorders_or_renames_a_commit_is_found_out() {
    let harms = [
        Harm::LastForgotten,
        Harm::EventsWithoutDocs,
        Harm::DocsWithoutEvents,
        Harm::LastTwoSwapped,
        Harm::RevisionsChanged,
        Harm::PositionsSkipped,
    ];
    for harm in harms {
        let why = found(harm).unwrap_or_else(|| panic!("{harm:?} was not found"));
        assert!(why.contains("after a crash with"), "{harm:?} was found by something else: {why}");
    }
}
