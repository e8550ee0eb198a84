//! Rules about several instances of a service over one store.

use std::sync::Arc;

use bongsu_runtime::ports::store::{CommitId, Guard, Store, Verdict};
use futures::future::{join, join_all};

use super::{
    factory::{StoreFactory, two},
    make::{commit, doc, doc_is, feed, get, names},
};

pub(super) async fn two_instances_share_one_store(factory: &dyn StoreFactory) {
    let (one, other) = two(factory).await;
    commit(1).event("counter/a", 1).put("t", "1", "x").done(&one).await;
    assert_eq!(names(&feed(&other, 0).await), [("counter/a".to_owned(), 1)]);
    assert_eq!(get(&other, "t", "1").await, Some(doc("t", "1", 1, "x")));
    commit(2).if_doc("t", "1", Some(1)).event("counter/a", 2).put("t", "1", "y").done(&other).await;
    commit(3).if_doc("t", "1", Some(2)).if_stream("counter/a", 2).done(&one).await;
    assert_eq!(one.head().await, other.head().await);
}

pub(super) async fn the_owner_of_an_old_lease_is_refused(factory: &dyn StoreFactory) {
    let (paused, taker) = two(factory).await;
    commit(1).if_doc("leases", "relay", None).put("leases", "relay", "paused").done(&paused).await;
    commit(2).if_doc("leases", "relay", Some(1)).event("counter/a", 1).done(&paused).await;
    commit(3).if_doc("leases", "relay", Some(1)).put("leases", "relay", "taker").done(&taker).await;
    let resumed = commit(4).if_doc("leases", "relay", Some(1)).event("counter/a", 2).refused(&paused).await;
    assert_eq!(resumed, [doc_is("leases", "relay", Some((3, "taker")))]);
    commit(5).if_doc("leases", "relay", Some(3)).event("counter/a", 2).done(&taker).await;
}

pub(super) async fn increments_of_two_instances_are_all_counted(factory: &dyn StoreFactory) {
    const EACH: u128 = 50;
    let (one, other) = two(factory).await;
    let (tries, more) = join(increment(&one, EACH, 0), increment(&other, EACH, 1_000_000)).await;
    let total = get(&one, "t", "counter").await.map(|doc| doc.data);
    assert_eq!(total.as_deref(), Some((2 * EACH).to_string().as_bytes()), "after {} attempts", tries + more);
}

/// Adds one so many times, each guarded on the revision read; counts the attempts it took.
async fn increment(store: &Arc<dyn Store>, times: u128, ids: u128) -> u128 {
    let mut attempts = 0;
    let mut done = 0;
    while done < times {
        attempts += 1;
        let found = get(store, "t", "counter").await;
        let revision = found.as_ref().map(|doc| doc.revision);
        let number = found.map_or(0, |doc| String::from_utf8_lossy(&doc.data).parse().expect("a number was written"));
        let mut draft = commit(ids + attempts).put("t", "counter", &format!("{}", number + 1_u64));
        draft.0.guards.push(Guard::Doc(draft.0.docs[0].key.clone(), revision));
        match draft.send(store).await {
            Ok(Verdict::Done) => done += 1,
            Ok(Verdict::Refused(_)) => assert!(attempts < 100_000, "no progress: {done} of {times}"),
            Err(error) => panic!("{error}"),
        }
    }
    attempts
}

pub(super) async fn positions_of_two_instances_are_dense(factory: &dyn StoreFactory) {
    let (one, other) = two(factory).await;
    let mut answers = Vec::new();
    for number in 1..=100 {
        answers.push(commit(number).event("counter/one", number as u64).send(&one));
        let stream = format!("counter/{number}");
        answers.push(commit(1_000 + number).event(&stream, 1).event("counter/other", number as u64).send(&other));
    }
    for answer in join_all(answers).await {
        assert_eq!(answer, Ok(Verdict::Done));
    }
    let all = feed(&one, 0).await;
    let positions: Vec<u64> = all.iter().filter_map(|event| event.position).map(|position| position.0).collect();
    assert_eq!(positions, (1..=300).collect::<Vec<_>>());
    assert_eq!(all, feed(&other, 0).await);
    // Both events of a Commit stand side by side.
    let pairs = all.windows(2).filter(|pair| pair[0].commit == pair[1].commit && pair[0].commit > CommitId(1_000));
    assert_eq!(pairs.count(), 100);
}
