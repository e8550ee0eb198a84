//! Rules about hearing that something changed.

use std::{sync::Arc, time::Duration, time::Instant};

use bongsu_runtime::ports::store::{Position, Store};

use super::{
    factory::{StoreFactory, one, two},
    make::commit,
};

pub(super) async fn changed_resolves_at_once_when_there_is_something_behind(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).event("counter/a", 1).event("counter/a", 2).done(&store).await;
    store.changed(Position(0)).await;
    store.changed(Position(1)).await;
}

pub(super) async fn changed_wakes_on_a_commit(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    // Events and documents alike: a timer that was armed may be due earlier than the one waited for.
    let waiting = store.changed(Position(0));
    commit(1).put("t", "1", "x").done(&store).await;
    waiting.await;
    let waiting = store.changed(Position(0));
    commit(2).event("counter/a", 1).done(&store).await;
    waiting.await;
}

pub(super) async fn changed_wakes_the_other_instance_without_waiting_for_its_clock(factory: &dyn StoreFactory) {
    const TIMES: u64 = 21;
    let (one, other) = two(factory).await;
    let mut waits = Vec::new();
    for number in 1..=TIMES {
        waits.push(time_to_wake(&one, &other, number).await);
    }
    waits.sort();
    // Half the 100 ms after which every waiter looks anyway; the median, so that a busy machine may stumble.
    let median = waits[waits.len() / 2];
    assert!(median < Duration::from_millis(50), "the median of {TIMES} wake-ups took {median:?}");
}

/// From the answer of a Commit on one instance until a waiter on the other is awake.
#[expect(clippy::disallowed_methods, reason = "measures real adapters, which have no Env")]
async fn time_to_wake(one: &Arc<dyn Store>, other: &Arc<dyn Store>, number: u64) -> Duration {
    let waiting = other.changed(Position(number - 1));
    commit(u128::from(number)).event("counter/a", number).done(one).await;
    let since = Instant::now();
    waiting.await;
    since.elapsed()
}
