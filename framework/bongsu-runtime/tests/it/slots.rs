//! One slot, one process: who came last stays, and the other learns of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    Adapters, Runtime, Settings,
    ports::{
        Fut,
        store::{Commit, Doc, DocKey, Position, Read, Scan, Store, StoreError, StoredEvent, StoredFacts, Verdict},
    },
};
use bytes::Bytes;
use futures::FutureExt;

use crate::{
    bank::bank,
    world::{Hindered, Lab, until},
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
    let adapters = Adapters {
        store: Arc::new(store),
        broker: Arc::new(lab.broker.clone()),
        env: lab.env.clone(),
        http: lab.outside.clone(),
    };
    Runtime::start(bank(), adapters, Settings { slot: slot.into(), partitions: 2, ..Settings::default() })
}

async fn until_ready(runtime: &Runtime) {
    until("ready", async || runtime.handle().status().ready).await;
}

fn is_superseded(runtime: &Runtime) -> bool {
    runtime.handle().over().now_or_never().is_some()
}

#[tokio::test(start_paused = true)]
async fn the_newer_process_has_the_slot_and_the_older_one_learns_of_it() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let old = start(&lab, store.clone(), "bank-1");
    until_ready(&old).await;
    assert!(!is_superseded(&old));
    let new = start(&lab, store.clone(), "bank-1");
    old.handle().over().await;
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
        old.handle().over().await;
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

/// Who holds what: slot by lease, with how often it changed hands.
fn leases(store: &MemoryStore) -> BTreeMap<String, (String, u64)> {
    let held = |doc: Doc| {
        let lease: serde_json::Value = serde_json::from_slice(&doc.data).unwrap();
        (doc.key.id.to_string(), (lease["slot"].as_str().unwrap().to_owned(), lease["epoch"].as_u64().unwrap()))
    };
    store.docs_of("lease").into_iter().map(held).collect()
}

/// Waits until each of so many has some, and who has what stays so.
async fn settled(store: &MemoryStore, count: usize) {
    until("work is shared", async || {
        let before = leases(store);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let slots: BTreeSet<&String> = before.values().map(|(slot, _)| slot).collect();
        slots.len() == count && leases(store) == before
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_silent_instance_held_is_with_the_others_after_two_seconds() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let mut running = Vec::new();
    for slot in ["bank-1", "bank-2", "bank-3", "bank-4"] {
        running.push(start(&lab, store.clone(), slot));
        tokio::time::sleep(Duration::from_millis(130)).await;
    }
    for round in 0..12 {
        settled(&store, 4).await;
        // At another moment between two heartbeats each time.
        tokio::time::sleep(Duration::from_millis(37 * round)).await;
        let silent = format!("bank-{}", 1 + round % 4);
        drop(running.remove(0));
        let began = tokio::time::Instant::now();
        while leases(&store).values().any(|(slot, _)| *slot == silent || slot.is_empty()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert!(began.elapsed() < Duration::from_millis(2_100), "{silent}: {:?}", leases(&store));
        }
        assert!(began.elapsed() > Duration::from_millis(1_100), "a few heartbeats may be late");
        running.push(start(&lab, store.clone(), &silent));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stood_still_for_all_is_no_silence_of_any() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let stores = [(), ()].map(|()| Hindered::over(&store));
    let _one = start(&lab, stores[0].clone(), "bank-1");
    tokio::time::sleep(Duration::from_millis(130)).await;
    let _other = start(&lab, stores[1].clone(), "bank-2");
    settled(&store, 2).await;
    let before = leases(&store);
    for round in 0..8 {
        // At another moment between two heartbeats each time.
        tokio::time::sleep(Duration::from_millis(3_000 + 57 * round)).await;
        stores.iter().for_each(Hindered::hold);
        tokio::time::sleep(Duration::from_secs(7)).await;
        // One is served some time before the other.
        for held in &stores {
            held.let_go().await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(leases(&store), before);
}
