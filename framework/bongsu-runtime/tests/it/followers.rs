//! Following streams: one reader for everybody, nothing read while nothing happens, nobody kept who does not listen.

use std::time::Duration;

use bongsu_memory::{MemoryStore, long};
use bongsu_runtime::{CommandError, Followed, Follower, Handle, Runtime};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::timeout;

use crate::{
    bank::{Account, AccountCommand, AccountEvent, Balance, Deposit, Deposited, bank},
    counting::Counting,
    world::{Lab, ask, until},
};

type BalanceChange = Followed<AccountEvent, Balance>;

async fn deposit(lab: &Lab, handle: &Handle, account: &str) {
    let deposit = AccountCommand::from(Deposit { account: account.into(), amount: 1 });
    assert_eq!(ask(handle, deposit, &lab.call(None)).await.unwrap().reply.status, 200);
}

fn start(lab: &Lab, store: &MemoryStore) -> (Runtime, Counting) {
    let counting = Counting::over(store);
    (lab.start_with(counting.clone(), lab.broker.clone(), bank(), "bank-1"), counting)
}

fn versions(told: &[BalanceChange]) -> Vec<u64> {
    told.iter().map(|followed| followed.version).collect()
}

/// Ten seconds in which nothing is asked; how often the store was read.
async fn quiet(counting: &Counting, followers: &mut [Follower<Account>]) -> u64 {
    let mut waiting: FuturesUnordered<_> = followers.iter_mut().map(Follower::next).collect();
    // The first moment is for what they read to begin with.
    assert!(
        timeout(Duration::from_secs(1), waiting.next()).await.map_or(true, |told| told.is_none()),
        "nothing is told"
    );
    counting.calls();
    if waiting.is_empty() {
        tokio::time::sleep(Duration::from_secs(10)).await;
    } else {
        assert!(timeout(Duration::from_secs(10), waiting.next()).await.is_err(), "nothing is told");
    }
    counting.calls()
}

#[tokio::test(start_paused = true)]
async fn as_long_as_nothing_happens_hundreds_who_follow_read_as_much_as_one() {
    let lab = Lab::new(0);
    let (runtime, counting) = start(&lab, &MemoryStore::with_env(lab.env.clone()));
    until("it is ready", async || runtime.handle().status().ready).await;
    let none = quiet(&counting, &mut []).await;
    let mut followers: Vec<_> = (0..256).map(|n| runtime.handle().follow::<Account>(&format!("a{n}"))).collect();
    let many = quiet(&counting, &mut followers).await;
    assert!(many <= none + 110, "{many} readings in ten seconds, {none} without anybody: one every 100 ms, for all");
    drop(followers);
    let after = quiet(&counting, &mut []).await;
    assert!(after <= none + 5, "{after} readings after everybody left");
}

#[tokio::test(start_paused = true)]
async fn what_is_committed_is_read_once_for_all_who_follow() {
    let lab = Lab::new(0);
    let (runtime, counting) = start(&lab, &MemoryStore::with_env(lab.env.clone()));
    let handle = runtime.handle();
    deposit(&lab, &handle, "ann").await;
    let mut followers: Vec<_> = (0..200).map(|_| handle.follow::<Account>("ann")).collect();
    for follower in &mut followers {
        assert_eq!(versions(&follower.next().await.unwrap()), [1]);
    }
    let mut others: Vec<_> = (0..50).map(|_| handle.follow::<Account>("bob")).collect();
    let mut waiting: FuturesUnordered<_> = followers.iter_mut().map(Follower::next).collect();
    let mut idle: FuturesUnordered<_> = others.iter_mut().map(Follower::next).collect();
    assert!(futures::poll!(waiting.next()).is_pending() && futures::poll!(idle.next()).is_pending());
    counting.calls();
    deposit(&lab, &handle, "ann").await;
    while let Some(told) = waiting.next().await {
        let told = told.unwrap();
        assert_eq!((versions(&told), told[0].state.amount), (vec![2], 2));
    }
    let read = counting.calls();
    assert!(read < 100, "{read} readings for 200 who follow");
    assert!(futures::poll!(idle.next()).is_pending(), "nothing happened to bob");
}

#[tokio::test(start_paused = true)]
async fn another_instances_events_are_told_as_well() {
    let lab = Lab::new(0);
    let store = MemoryStore::with_env(lab.env.clone());
    let (ours, _) = start(&lab, &store);
    let theirs = lab.start(bank(), &store, "bank-2");
    let mut follower = ours.handle().follow::<Account>("ann");
    for version in 1..=20 {
        deposit(&lab, &theirs.handle(), "ann").await;
        assert_eq!(versions(&follower.next().await.unwrap()), [version]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_listen_is_cut_off_and_misses_nothing_when_it_comes_back() {
    let lab = Lab::new(0);
    let (runtime, _) = start(&lab, &MemoryStore::with_env(lab.env.clone()));
    let handle = runtime.handle();
    deposit(&lab, &handle, "ann").await;
    let mut follower = handle.follow::<Account>("ann");
    let mut heard = versions(&follower.next().await.unwrap());
    assert!(timeout(Duration::from_secs(1), follower.next()).await.is_err(), "it waits");
    for _ in 0..600 {
        deposit(&lab, &handle, "ann").await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut cut = 0;
    while heard.last() < Some(&601) {
        match follower.next().await {
            Ok(told) => heard.extend(versions(&told)),
            Err(CommandError::Unavailable(_)) => cut += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(cut, 1, "told once that it was too slow");
    assert_eq!(heard, (1..=601).collect::<Vec<_>>(), "and nothing is missing or told twice");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_begins_behind_what_was_heard() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let grown = long::grow::<Account>(&store, "ann", 0, (0..3_000).map(|_| Deposited { amount: 1 }.into())).await;
    assert_eq!(grown, Ok(3_000));
    let (runtime, counting) = start(&lab, &store);
    let handle = runtime.handle();
    assert_eq!(handle.load::<Account>("ann").await.unwrap().1, 3_000, "as every handler does");
    counting.events();
    let mut follower = handle.follow::<Account>("ann").behind(3_000);
    assert!(timeout(Duration::from_secs(1), follower.next()).await.is_err(), "nothing new");
    deposit(&lab, &handle, "ann").await;
    let told = follower.next().await.unwrap();
    assert_eq!((versions(&told), told[0].state.amount), (vec![3_001], 3_001));
    let read = counting.events();
    assert!(read < 50, "{read} events were read to go on at the end");
    let told = handle.follow::<Account>("ann").behind(2_998).next().await.unwrap();
    assert_eq!((versions(&told), told[0].state.amount), (vec![2_999, 3_000, 3_001], 2_999));
    let told = handle.follow::<Account>("ann").again_from(3_001).next().await.unwrap();
    assert_eq!((versions(&told), told[0].state.amount), (vec![3_001], 3_001), "the last one, once more");
    let beyond = handle.follow::<Account>("ann").behind(9_999).next().await;
    assert!(matches!(beyond, Err(CommandError::Unavailable(_))), "{beyond:?}");
}
