//! One slot, one process: who came last stays, and the other learns of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bongsu_runtime::{
    Runtime, Settings, World,
    ports::{
        Fut,
        store::{Commit, Doc, DocKey, Position, Read, Scan, Store, StoreError, StoredEvent, StoredFacts, Verdict},
    },
};
use bongsu_testing::MemoryStore;
use bytes::Bytes;
use futures::FutureExt;

use crate::{
    bank::bank,
    world::{Lab, until},
};

/// A store that writes heartbeats and says nothing of it, or loses them, while it is told to.
#[derive(Clone)]
struct Mumbling {
    store: MemoryStore,
    mumbles: Arc<AtomicBool>,
    loses: Arc<AtomicBool>,
}

impl Mumbling {
    fn over(store: &MemoryStore) -> Self {
        Self { store: store.clone(), mumbles: Arc::default(), loses: Arc::default() }
    }
}

impl Store for Mumbling {
    fn commit(&self, commit: Commit) -> Fut<'static, Result<Verdict, StoreError>> {
        let is_beat = commit.docs.iter().any(|write| write.key.table == "member" && write.put.is_some());
        if !is_beat || !self.mumbles.load(Ordering::Relaxed) {
            return self.store.commit(commit);
        }
        if !self.loses.load(Ordering::Relaxed) {
            drop(self.store.commit(commit));
        }
        Box::pin(async { Err(StoreError::Unknown("it mumbles".into())) })
    }

    fn read(&self, what: Read, limit: u32) -> Fut<'_, Result<Vec<StoredEvent>, StoreError>> {
        self.store.read(what, limit)
    }

    fn facts(&self, after: Position, limit: u32) -> Fut<'_, Result<Vec<StoredFacts>, StoreError>> {
        self.store.facts(after, limit)
    }

    fn docs(&self, keys: Vec<DocKey>) -> Fut<'_, Result<Vec<Option<Doc>>, StoreError>> {
        self.store.docs(keys)
    }

    fn scan(&self, what: Scan) -> Fut<'_, Result<Vec<(Bytes, Doc)>, StoreError>> {
        self.store.scan(what)
    }

    fn head(&self) -> Fut<'_, Result<Position, StoreError>> {
        self.store.head()
    }

    fn position_of<'a>(&'a self, stream: &'a str, version: u64) -> Fut<'a, Result<Option<Position>, StoreError>> {
        self.store.position_of(stream, version)
    }

    fn changed(&self, after: Position) -> Fut<'_, ()> {
        self.store.changed(after)
    }

    fn drop_table<'a>(&'a self, table: &'a str) -> Fut<'a, Result<(), StoreError>> {
        self.store.drop_table(table)
    }
}

fn start(lab: &Lab, store: impl Store + 'static, slot: &str) -> Runtime {
    let world = World {
        store: Arc::new(store),
        broker: Arc::new(lab.broker.clone()),
        env: lab.env.clone(),
        http: lab.outside.clone(),
    };
    Runtime::start(bank(), world, Settings { slot: slot.into(), partitions: 2, ..Settings::default() })
}

async fn until_ready(runtime: &Runtime) {
    until("ready", async || runtime.handle().status().ready).await;
}

fn is_superseded(runtime: &Runtime) -> bool {
    runtime.handle().superseded().now_or_never().is_some()
}

#[tokio::test(start_paused = true)]
async fn the_newer_process_has_the_slot_and_the_older_one_learns_of_it() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let old = start(&lab, store.clone(), "bank-1");
    until_ready(&old).await;
    assert!(!is_superseded(&old));
    let new = start(&lab, store.clone(), "bank-1");
    old.handle().superseded().await;
    assert!(!old.handle().status().ready);
    until_ready(&new).await;
    // Its end takes nothing away from its successor.
    old.stop().await;
    assert_eq!(store.docs_of("member").len(), 1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(new.handle().status().ready && !is_superseded(&new));
}

#[tokio::test(start_paused = true)]
async fn issue_2_a_heartbeat_of_unknown_outcome_pushes_no_successor_out() {
    for loses in [false, true] {
        let (lab, store) = (Lab::new(0), MemoryStore::new());
        let mumbling = Mumbling::over(&store);
        mumbling.loses.store(loses, Ordering::Relaxed);
        let old = start(&lab, mumbling.clone(), "bank-1");
        until_ready(&old).await;
        // A heartbeat ends Unknown; before the next one a successor takes the slot.
        mumbling.mumbles.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let new = start(&lab, store.clone(), "bank-1");
        until_ready(&new).await;
        mumbling.mumbles.store(false, Ordering::Relaxed);
        old.handle().superseded().await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(!is_superseded(&new) && new.handle().status().ready, "loses: {loses}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_mumbles_pushes_nobody_out_by_itself() {
    for loses in [false, true] {
        let (lab, store) = (Lab::new(0), MemoryStore::new());
        let mumbling = Mumbling::over(&store);
        mumbling.loses.store(loses, Ordering::Relaxed);
        // From its first heartbeat on.
        mumbling.mumbles.store(true, Ordering::Relaxed);
        let runtime = start(&lab, mumbling.clone(), "bank-1");
        tokio::time::sleep(Duration::from_secs(1)).await;
        mumbling.mumbles.store(false, Ordering::Relaxed);
        until_ready(&runtime).await;
        mumbling.mumbles.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        mumbling.mumbles.store(false, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!is_superseded(&runtime) && runtime.handle().status().ready, "loses: {loses}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clean_stop_gives_the_membership_back() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = start(&lab, store.clone(), "bank-1");
    until_ready(&runtime).await;
    runtime.stop().await;
    assert!(store.docs_of("member").is_empty());
}
