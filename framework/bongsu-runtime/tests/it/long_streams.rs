//! A stream that has become long: a reading, a refusal and another instance's Commit cost the difference.

use bongsu_core::Wire;
use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    CommandError, Runtime,
    ports::store::{Commit, CommitId, NewEvent, Store, Verdict},
};
use bytes::Bytes;

use crate::{
    bank::{Account, AccountCommand, Deposit, Deposited, bank},
    counting::Counting,
    snapshots::deposit,
    world::{Hindered, Lab, ask},
};

/// More than one page of events.
const LONG: u64 = 3_000;

/// A store in which ann's account has so many deposits of one already.
async fn long_store(events: u64, commits: u128) -> MemoryStore {
    let store = MemoryStore::new();
    let deposited = Deposited { amount: 1 };
    let (name, schema) = deposited.name();
    let meta =
        Bytes::from_static(br#"{"id":"","time":"2026-01-01T00:00:00Z","correlation":"","causation":"","actor":""}"#);
    for first in (1..=events).step_by(500) {
        let mut commit = Commit::new(CommitId(commits + u128::from(first)));
        commit.events.extend((first..=events.min(first + 499)).map(|version| NewEvent {
            stream: "account/ann".into(),
            version,
            name,
            schema,
            data: deposited.encode().into(),
            meta: meta.clone(),
            facts: Vec::new(),
        }));
        assert_eq!(store.commit(commit).await, Ok(Verdict::Done));
    }
    store
}

async fn balance(runtime: &Runtime) -> (i64, u64) {
    let (balance, version) = runtime.handle().load::<Account>("ann").await.unwrap();
    (balance.amount, version)
}

#[tokio::test(start_paused = true)]
async fn after_the_first_time_a_reading_and_a_refusal_cost_what_is_new() {
    let (lab, store) = (Lab::new(0), long_store(LONG, 0).await);
    let counting = Counting::over(&store);
    let ours = lab.start_with(counting.clone(), lab.broker.clone(), bank(), "bank-1");
    let theirs = lab.start(bank(), &store, "bank-2");
    assert_eq!(balance(&ours).await, (3_000, LONG));
    counting.events();
    for more in 1..=5 {
        deposit(&lab, &theirs.handle(), 1).await;
        assert_eq!(
            balance(&ours).await,
            (3_000 + 2 * more as i64 - 1, LONG + 2 * more - 1),
            "with what the other wrote"
        );
        deposit(&lab, &ours.handle(), 1).await;
        assert_eq!(balance(&ours).await.1, LONG + 2 * more);
    }
    // What a relay reads of its own feed is among it.
    let read = counting.events();
    assert!(read <= 100, "{read} events were read for ten deposits");
}

#[tokio::test(start_paused = true)]
async fn two_instances_at_one_long_stream_do_not_fold_it_for_each_other() {
    let (lab, store) = (Lab::new(0), long_store(LONG, 0).await);
    let counting = Counting::over(&store);
    let start = |slot| lab.start_with(counting.clone(), lab.broker.clone(), bank(), slot);
    let (one, two) = (start("bank-1"), start("bank-2"));
    let (left, right) = (one.handle(), two.handle());
    futures::join!(deposit(&lab, &left, 40), deposit(&lab, &right, 40), deposit(&lab, &left, 40));
    assert_eq!((balance(&one).await, balance(&two).await), ((3_120, LONG + 120), (3_120, LONG + 120)));
    let read = counting.events();
    assert!(read < 3 * LONG, "{read} events were read: each instance folds the stream once, and then what is new");
}

#[tokio::test(start_paused = true)]
async fn many_who_want_a_stream_nobody_knows_yet_fold_it_once() {
    let (lab, store) = (Lab::new(0), long_store(LONG, 0).await);
    let counting = Counting::over(&store);
    let runtime = lab.start_with(counting.clone(), lab.broker.clone(), bank(), "bank-1");
    let readers = (0..20).map(|_| balance(&runtime));
    assert!(futures::future::join_all(readers).await.iter().all(|found| *found == (3_000, LONG)));
    let read = counting.events();
    assert!(read < LONG + 100, "{read} events");
}

#[tokio::test(start_paused = true)]
async fn what_is_only_queued_is_decided_on_and_never_shown() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let hindered = Hindered::over(&store);
    let runtime = lab.start_with(hindered.clone(), lab.broker.clone(), bank(), "bank-1");
    deposit(&lab, &runtime.handle(), 3).await;
    hindered.hold();
    let (handle, call) = (runtime.handle(), lab.call(None));
    let mut asked = Box::pin(ask(&handle, AccountCommand::from(Deposit { account: "ann".into(), amount: 1 }), &call));
    assert!(futures::poll!(&mut asked).is_pending());
    assert_eq!(balance(&runtime).await, (3, 3), "the fourth is queued");
    hindered.let_go().await;
    assert_eq!(asked.await.unwrap().reply.status, 200);
    assert_eq!(balance(&runtime).await, (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_says_unavailable_costs_no_folding_either() {
    let (lab, store) = (Lab::new(0), long_store(LONG, 0).await);
    let counting = Counting::over(&store);
    let runtime = lab.start_with(counting.clone(), lab.broker.clone(), bank(), "bank-1");
    deposit(&lab, &runtime.handle(), 1).await;
    counting.events();
    let wrong = AccountCommand::from(Deposit { account: "ann".into(), amount: 1 });
    counting.fail(3);
    for _ in 0..3 {
        let refused = ask(&runtime.handle(), wrong.clone(), &lab.call(None)).await;
        assert_eq!(refused, Err(CommandError::Unavailable("it is away".into())));
    }
    deposit(&lab, &runtime.handle(), 1).await;
    let read = counting.events();
    assert!(read <= 30, "{read} events were read after three refusals");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_exchanged_for_another_history_is_folded_anew() {
    let (lab, store) = (Lab::new(0), long_store(30, 0).await);
    let counting = Counting::over(&store);
    let runtime = lab.start_with(counting.clone(), lab.broker.clone(), bank(), "bank-1");
    assert_eq!(balance(&runtime).await, (30, 30));
    counting.exchange(&long_store(20, 1_000_000).await);
    assert_eq!(balance(&runtime).await, (20, 20), "an older copy");
    counting.exchange(&long_store(25, 2_000_000).await);
    assert_eq!(balance(&runtime).await, (25, 25), "as long and longer, by others");
    counting.exchange(&MemoryStore::new());
    assert_eq!(balance(&runtime).await, (0, 0), "an empty one");
}
