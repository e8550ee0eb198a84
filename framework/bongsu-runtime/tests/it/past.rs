//! The past of a stream.

use std::time::Duration;

use bongsu_memory::MemoryStore;
use bongsu_runtime::{Moment, PastError, Runtime, ports::env::Env};

use crate::{
    bank::{Account, bank_with_snapshots},
    snapshots::{deposit, until_snapshot_at},
    world::Lab,
};

async fn amount_at(runtime: &Runtime, at: Moment) -> Result<(i64, u64), PastError> {
    let (balance, version) = runtime.handle().load_at::<Account>("ann", at).await?;
    Ok((balance.amount, version))
}

#[tokio::test(start_paused = true)]
async fn the_state_at_a_version_is_known_before_at_and_after_a_snapshot() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank_with_snapshots(1, 5), &store, "bank-1");
    deposit(&lab, &runtime.handle(), 7).await;
    until_snapshot_at(&store, 5).await;
    for version in 1..=7 {
        assert_eq!(amount_at(&runtime, Moment::Version(version)).await, Ok((version as i64, version)));
    }
    assert_eq!(amount_at(&runtime, Moment::Version(8)).await, Err(PastError::Ahead(7)));
    assert_eq!(amount_at(&runtime, Moment::Version(u64::MAX)).await, Err(PastError::Ahead(7)));
    assert_eq!(amount_at(&runtime, Moment::Version(0)).await, Err(PastError::Zero));
}

#[tokio::test(start_paused = true)]
async fn the_state_at_a_time_is_that_of_the_events_until_then() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank_with_snapshots(1, 2), &store, "bank-1");
    let start = lab.env.wall_ms();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        deposit(&lab, &runtime.handle(), 1).await;
    }
    let at = |after_ms| Moment::TimeMs(start + after_ms);
    assert_eq!(amount_at(&runtime, at(9_000)).await, Err(PastError::NotYet));
    assert_eq!(amount_at(&runtime, at(15_000)).await, Ok((1, 1)));
    assert_eq!(amount_at(&runtime, at(25_000)).await, Ok((2, 2)));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(amount_at(&runtime, at(35_000)).await, Ok((3, 3)));
    assert_eq!(amount_at(&runtime, at(3_600_000)).await, Err(PastError::Future));
    assert_eq!(amount_at(&runtime, Moment::TimeMs(i64::MIN)).await, Err(PastError::NotYet));
    assert_eq!(amount_at(&runtime, Moment::TimeMs(i64::MAX)).await, Err(PastError::Future));
}

#[tokio::test(start_paused = true)]
async fn the_audit_trail_says_who_when_and_by_which_command() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank_with_snapshots(1, 2), &store, "bank-1");
    deposit(&lab, &runtime.handle(), 3).await;
    let trail = runtime.handle().trail::<Account>("ann", 1, 10).await.unwrap();
    assert_eq!(trail.iter().map(|entry| entry.version).collect::<Vec<_>>(), [2, 3]);
    let entry = &trail[0];
    assert_eq!((entry.name.as_str(), entry.schema, entry.actor.as_str()), ("account.deposited", 1, "tester"));
    assert_eq!(entry.command.as_deref(), Some("account.deposit.v1"));
    assert!(entry.time.starts_with("2023-11-14T22:13:2") && !entry.causation.is_empty(), "{entry:?}");
    assert_eq!(runtime.handle().trail::<Account>("nobody", 0, 10).await, Ok(vec![]));
}
