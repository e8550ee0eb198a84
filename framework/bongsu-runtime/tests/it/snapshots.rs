//! Snapshots: written behind the events, used when they fit, discarded when they do not.

use std::time::Duration;

use bongsu_memory::{MemoryStore, long};
use bongsu_runtime::{
    Handle, Reading, Runtime, Service,
    ports::store::{Commit, CommitId, DocBody, DocKey, DocWrite, Store, Verdict},
};
use serde_json::{Value, json};

use crate::{
    bank::{Account, AccountCommand, Balance, Deposit, Deposited, Withdraw, bank, bank_with_snapshots},
    counting::Counting,
    world::{Lab, ask, until},
};

pub(crate) async fn deposit(lab: &Lab, handle: &Handle, times: u64) {
    for _ in 0..times {
        let deposit = AccountCommand::from(Deposit { account: "ann".into(), amount: 1 });
        assert_eq!(ask(handle, deposit, &lab.call(None)).await.unwrap().reply.status, 200);
    }
}

/// The snapshot of ann's account as it is stored.
pub(crate) fn stored(store: &MemoryStore) -> Option<Value> {
    let doc = store.docs_of("snapshot").into_iter().find(|doc| doc.key.id == "account/ann")?;
    serde_json::from_slice(&doc.data).ok()
}

pub(crate) async fn until_snapshot_at(store: &MemoryStore, version: u64) {
    until("a snapshot", async || stored(store).is_some_and(|kept| kept["version"] == version)).await;
}

pub(crate) async fn reading(runtime: &Runtime) -> Reading {
    runtime.handle().operator().reading("account/ann").await.unwrap()
}

async fn balance(runtime: &Runtime) -> (i64, u64) {
    let (balance, version) = runtime.handle().load::<Account>("ann").await.unwrap();
    (balance.amount, version)
}

/// Puts a document where the snapshot is.
async fn forge(store: &MemoryStore, data: Vec<u8>) {
    let mut commit = Commit::new(CommitId(0xf));
    let body = DocBody { data: data.into(), index: Vec::new() };
    commit.docs.push(DocWrite { key: DocKey::new("snapshot", "account/ann"), put: Some(body) });
    assert_eq!(store.commit(commit).await, Ok(Verdict::Done));
}

#[tokio::test(start_paused = true)]
async fn after_every_so_many_events_only_later_ones_are_folded() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank_with_snapshots(1, 10), &store, "bank-1");
    deposit(&lab, &runtime.handle(), 9).await;
    assert_eq!((reading(&runtime).await.folded, stored(&store)), (9, None));
    deposit(&lab, &runtime.handle(), 4).await;
    until_snapshot_at(&store, 10).await;
    let now = reading(&runtime).await;
    assert_eq!((now.version, now.snapshot.map(|kept| kept.version), now.folded), (13, Some(10), 3));
    assert_eq!(stored(&store).unwrap()["state"], json!(Balance { amount: 10, confirmed: 0, given_back: 0 }));
    assert_eq!(balance(&runtime).await, (13, 13));
    drop(runtime);
    let next = lab.start(bank_with_snapshots(1, 10), &store, "bank-1");
    assert_eq!(balance(&next).await, (13, 13), "a new process begins at the snapshot");
    deposit(&lab, &next.handle(), 1).await;
    assert_eq!(balance(&next).await, (14, 14), "and decides on it");
}

#[tokio::test(start_paused = true)]
async fn two_instances_decide_on_one_snapshot_stream_and_every_event_counts() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let start = |slot| lab.start(bank_with_snapshots(1, 3), &store, slot);
    let (one, two) = (start("bank-1"), start("bank-2"));
    let (left, right) = (one.handle(), two.handle());
    futures::join!(deposit(&lab, &left, 50), deposit(&lab, &right, 50));
    assert_eq!((balance(&one).await, balance(&two).await), ((100, 100), (100, 100)));
    // 99 by count, or 100 if somebody had a long way to fold before that one was written.
    until("a snapshot of the end", async || stored(&store).is_some_and(|kept| kept["version"].as_u64() >= Some(99)))
        .await;
    assert!(reading(&two).await.folded <= 1);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_cannot_be_used_is_discarded_and_written_anew() {
    let kept = |version: u64, commit: &str, state: Value| {
        json!({ "version": version, "schema": 1, "commit": commit, "taken_ms": 1, "state": state }).to_string()
    };
    let rich = json!({ "amount": 1_000_000, "confirmed": 0, "given_back": 0 });
    let forged = [
        ("unreadable", "{\"version\":".to_owned()),
        ("no text at all", "\u{1}\u{2}".to_owned()),
        ("another shape of state", kept(5, &"0".repeat(32), json!({ "amount": "much" }))),
        ("ahead of its stream", kept(500, &"0".repeat(32), rich.clone())),
        ("of another history", kept(5, &"0".repeat(32), rich.clone())),
        ("of version 0", kept(0, &"0".repeat(32), rich)),
    ];
    for (what, data) in forged {
        let (lab, store) = (Lab::new(0), MemoryStore::new());
        let runtime = lab.start(bank_with_snapshots(1, 10), &store, "bank-1");
        deposit(&lab, &runtime.handle(), 12).await;
        until_snapshot_at(&store, 10).await;
        forge(&store, data.into_bytes()).await;
        drop(runtime);
        let runtime = lab.start(bank_with_snapshots(1, 10), &store, "bank-1");
        assert_eq!(balance(&runtime).await, (12, 12), "{what}");
        until_snapshot_at(&store, 12).await;
        assert_eq!((reading(&runtime).await.folded, balance(&runtime).await), (0, (12, 12)), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_another_schema_is_left_alone_until_a_newer_one_replaces_it() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let old = lab.start(bank_with_snapshots(1, 4), &store, "bank-1");
    deposit(&lab, &old.handle(), 8).await;
    until_snapshot_at(&store, 8).await;
    drop(old);
    let new = lab.start(bank_with_snapshots(2, 10), &store, "bank-1");
    assert_eq!((balance(&new).await, reading(&new).await.folded), ((8, 8), 8));
    assert_eq!(stored(&store).unwrap()["schema"], 1, "the old build could use it still");
    deposit(&lab, &new.handle(), 2).await;
    until_snapshot_at(&store, 10).await;
    assert_eq!((stored(&store).unwrap()["schema"].clone(), reading(&new).await.folded), (json!(2), 0));
    drop(new);
    let back = lab.start(bank_with_snapshots(1, 4), &store, "bank-1");
    assert_eq!((balance(&back).await, reading(&back).await.folded), ((10, 10), 10), "and the old one folds again");
}

#[tokio::test(start_paused = true)]
async fn without_snapshots_every_event_is_folded() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let map = || Service::new("bank").decider_without_snapshots(Account, |_, _, _| None);
    grow(&store, 0, 600).await;
    let runtime = lab.start(map(), &store, "bank-1");
    deposit(&lab, &runtime.handle(), 3).await;
    assert_eq!(reading(&runtime).await, Reading { version: 603, snapshot: None, folded: 603 });
    assert_eq!(runtime.handle().operator().reading("account/nobody").await.unwrap().version, 0);
    assert!(runtime.handle().operator().snapshot().await.unwrap().done, "there is nothing to walk for");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(store.docs_of("snapshot").is_empty());
}

async fn grow(store: &MemoryStore, after: u64, by: u64) {
    let deposits = (0..by).map(|_| Deposited { amount: 1 }.into());
    assert_eq!(long::grow::<Account>(store, "ann", after, deposits).await, Ok(after + by));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_said_anything_a_stream_that_grew_long_is_snapshot() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    grow(&store, 0, 1_200).await;
    let runtime = lab.start(bank(), &store, "bank-1");
    assert_eq!(balance(&runtime).await, (1_200, 1_200));
    until_snapshot_at(&store, 1_200).await;
    deposit(&lab, &runtime.handle(), 301).await;
    until_snapshot_at(&store, 1_500).await;
    drop(runtime);
    let counting = Counting::over(&store);
    let next = lab.start_with(counting.clone(), lab.broker.clone(), bank(), "bank-1");
    assert_eq!(balance(&next).await, (1_501, 1_501));
    let read = counting.events();
    assert!(read < 100, "{read} events were read after a restart");
    assert_eq!(reading(&next).await.folded, 1);
    deposit(&lab, &next.handle(), 1).await;
    assert_eq!(balance(&next).await, (1_502, 1_502), "and it decides on it");
    assert!(runtime_has_nothing_to_walk(&next).await, "midnight and operators take those that were asked for");
}

async fn runtime_has_nothing_to_walk(runtime: &Runtime) -> bool {
    let walk = runtime.handle().operator().snapshot().await.unwrap();
    walk.done && walk.written == 0
}

#[tokio::test(start_paused = true)]
async fn where_nobody_gave_a_schema_another_build_folds_anew() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let start = |build: &str| lab.start_build(build, store.clone(), lab.broker.clone(), bank(), "bank-1");
    grow(&store, 0, 700).await;
    let old = start("monday");
    assert_eq!(balance(&old).await, (700, 700));
    until_snapshot_at(&store, 700).await;
    drop(old);
    // A state that monday's build folded otherwise, and that looks as if today's had.
    let mut kept = stored(&store).unwrap();
    kept["state"]["amount"] = json!(1_000_000);
    forge(&store, serde_json::to_vec(&kept).unwrap()).await;
    let new = start("tuesday");
    assert_eq!((balance(&new).await, reading(&new).await.version), ((700, 700), 700), "folded as tuesday folds");
    until("a snapshot of its own", async || stored(&store).is_some_and(|kept| kept["build"] == "tuesday")).await;
    assert_eq!((reading(&new).await.folded, balance(&new).await), (0, (700, 700)));
}

#[tokio::test(start_paused = true)]
async fn processes_are_snapshot_too_and_go_on_where_they_were() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank(), &store, "bank-1");
    let handle = runtime.handle();
    deposit(&lab, &handle, 1_000).await;
    for _ in 0..510 {
        withdraw(&lab, &handle).await;
    }
    let of_settle = || store.docs_of("snapshot").into_iter().any(|doc| doc.key.id == "settle/ann");
    until("a snapshot of the process", async || of_settle()).await;
    drop((runtime, handle));
    let next = lab.start(bank(), &store, "bank-1");
    let read = next.handle().operator().reading("settle/ann").await.unwrap();
    assert!((read.version, read.snapshot.is_some()) >= (510, true) && read.folded <= 30, "{read:?}");
    withdraw(&lab, &next.handle()).await;
    // Nobody books what was withdrawn last: the money comes back.
    until("the money is back", async || balance_of(&next).await.given_back > 0).await;
    assert!(balance_of(&next).await.amount > 489);
}

async fn withdraw(lab: &Lab, handle: &Handle) {
    let asked = AccountCommand::from(Withdraw { account: "ann".into(), amount: 1 });
    assert_eq!(ask(handle, asked, &lab.call(None)).await.unwrap().reply.status, 200);
}

async fn balance_of(runtime: &Runtime) -> Balance {
    runtime.handle().load::<Account>("ann").await.unwrap().0
}
