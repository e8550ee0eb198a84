//! Many Commits in one transaction: one fsync for all, and one culprit harms nobody else.

use bongsu_runtime::ports::store::{Store, StoreError, Verdict};
use bongsu_sqlite::Options;
use futures::{executor::block_on, future::join_all};

use crate::bench::{Home, done, event, feed, get, put};

#[test]
fn commits_that_wait_together_are_one_transaction() {
    let home = Home::new();
    let store = home.open();
    let others = home.keep_locked();
    let waiting: Vec<_> = (1..=200).map(|id| store.commit(put(id, &id.to_string(), "x"))).collect();
    drop(others);
    assert!(block_on(join_all(waiting)).iter().all(|answer| *answer == Ok(Verdict::Done)));
    let counters = store.counters();
    assert_eq!((counters.commits, counters.groups), (200, 1));
}

#[test]
fn a_group_is_bounded() {
    let home = Home::new();
    let store = home.open_with(Options { group: 64, ..Options::default() });
    let others = home.keep_locked();
    let waiting: Vec<_> = (1..=200).map(|id| store.commit(put(id, &id.to_string(), "x"))).collect();
    drop(others);
    assert!(block_on(join_all(waiting)).iter().all(|answer| *answer == Ok(Verdict::Done)));
    assert_eq!(store.counters().groups, 4);
}

#[test]
fn only_the_commit_that_cannot_be_stored_is_invalid() {
    let home = Home::new();
    let store = home.open();
    // No content can make a write fail, so the file is made to refuse one.
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON doc WHEN NEW.id = 'culprit'
                  BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    home.raw().execute_batch(refuse).unwrap();
    let others = home.keep_locked();
    let waiting: Vec<_> = (0..20_u64)
        .map(|number| {
            let mut commit = put(u128::from(number) + 1, &number.to_string(), "x");
            commit.events.push(event("counter/a", number + 1 - u64::from(number > 7)));
            if number == 7 {
                commit.docs.extend(put(8, "culprit", "x").docs);
            }
            store.commit(commit)
        })
        .collect();
    drop(others);
    for (number, answer) in block_on(join_all(waiting)).into_iter().enumerate() {
        match number {
            7 => assert!(matches!(answer, Err(StoreError::Invalid(why)) if why.contains("not this one"))),
            _ => assert_eq!(answer, Ok(Verdict::Done), "{number}"),
        }
    }
    assert_eq!(feed(&store).len(), 19, "nothing of the culprit was written");
    assert_eq!(get(&store, "7"), Ok(None));
    assert_eq!(store.counters().replays, 1);
    done(&store, put(99, "later", "x"));
}

#[test]
fn a_full_queue_refuses_at_once() {
    let home = Home::new();
    let store = home.open_with(Options { queue: 10, ..Options::default() });
    let others = home.keep_locked();
    let waiting: Vec<_> = (1..=40).map(|id| store.commit(put(id, &id.to_string(), "x"))).collect();
    drop(others);
    let answers = block_on(join_all(waiting));
    // Ten wait, and the writer holds one more in its hand, if it woke before the last was refused.
    let done = answers.iter().filter(|answer| **answer == Ok(Verdict::Done)).count();
    assert!((10..=11).contains(&done), "{done} were taken");
    let refused = answers.iter().filter(|answer| matches!(answer, Err(StoreError::Unavailable(_)))).count();
    assert_eq!(done + refused, answers.len(), "{answers:?}");
}

#[test]
fn what_was_queued_is_answered_when_the_store_is_closed_or_dropped() {
    let home = Home::new();
    for close in [true, false] {
        let store = home.open();
        let waiting: Vec<_> = (1..=100).map(|id| store.commit(put(id, &format!("{id} {close}"), "x"))).collect();
        if close {
            store.close();
        } else {
            drop(store);
        }
        assert!(block_on(join_all(waiting)).iter().all(|answer| *answer == Ok(Verdict::Done)));
    }
    let store = home.open();
    assert!(get(&store, "100 true").unwrap().is_some() && get(&store, "100 false").unwrap().is_some());
}
