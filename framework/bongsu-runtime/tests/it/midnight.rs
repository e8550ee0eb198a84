//! Snapshots of everything that changed: by the clock, and when asked for.

use std::time::Duration;

use bongsu_memory::MemoryStore;
use bongsu_runtime::{Service, Walk, ports::env::Env};

use crate::{
    bank::bank_with_snapshots,
    snapshots::{deposit, reading, stored, until_snapshot_at},
    world::Lab,
};

/// The tests' clock starts at 22:13:20 UTC: here it is 23:59:20, and 40 seconds are left of the day.
const OFFSET_S: i32 = 106 * 60;

fn nightly() -> Service {
    bank_with_snapshots(1, 0).snapshots_at_midnight(OFFSET_S)
}

#[tokio::test(start_paused = true)]
async fn at_midnight_by_the_clock_every_stream_that_changed_is_snapshot() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(nightly(), &store, "bank-1");
    deposit(&lab, &runtime.handle(), 3).await;
    tokio::time::sleep(Duration::from_secs(35)).await;
    assert_eq!(stored(&store), None, "the day is not over");
    until_snapshot_at(&store, 3).await;
    let now = lab.env.wall_ms();
    let midnight = 1_700_000_000_000 + 40_000;
    assert!((midnight..midnight + 1_000).contains(&now), "{now}");
    deposit(&lab, &runtime.handle(), 2).await;
    assert_eq!(reading(&runtime).await.folded, 2);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(stored(&store).unwrap()["version"], 3, "the next midnight is a day away");
}

#[tokio::test(start_paused = true)]
async fn a_midnight_that_passed_while_nothing_ran_is_made_up_for() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(nightly(), &store, "bank-1");
    deposit(&lab, &runtime.handle(), 3).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    runtime.stop().await;
    tokio::time::sleep(Duration::from_secs(3 * 60 * 60)).await;
    assert_eq!(stored(&store), None);
    let started = lab.env.wall_ms();
    let _next = lab.start(nightly(), &store, "bank-1");
    until_snapshot_at(&store, 3).await;
    assert!(lab.env.wall_ms() - started < 2_000, "at once");
}

#[tokio::test(start_paused = true)]
async fn of_two_instances_one_walks() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let (one, _two) = (lab.start(nightly(), &store, "bank-1"), lab.start(nightly(), &store, "bank-2"));
    deposit(&lab, &one.handle(), 3).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(stored(&store).unwrap()["version"], 3);
    let holders = store.docs_of("lease").into_iter().filter(|lease| lease.key.id == "midnight/0");
    assert_eq!(holders.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_operator_has_snapshots_taken_at_once_and_only_of_what_changed() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank_with_snapshots(1, 0), &store, "bank-1");
    deposit(&lab, &runtime.handle(), 3).await;
    let walk = |written, current| Walk { written, current, failed: 0, done: true };
    assert_eq!(runtime.handle().snapshot().await, Ok(walk(1, 0)));
    assert_eq!((reading(&runtime).await.folded, stored(&store).unwrap()["version"].clone()), (0, 3.into()));
    assert_eq!(runtime.handle().snapshot().await, Ok(walk(0, 0)), "nothing happened since");
    drop(runtime);
    let newer = lab.start(bank_with_snapshots(2, 0), &store, "bank-1");
    assert_eq!(newer.handle().snapshot().await, Ok(walk(1, 0)), "another schema: all of them again");
}
