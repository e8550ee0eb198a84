//! Rules about one Commit and its neighbours: all or nothing, and in the order submitted.

use bongsu_runtime::ports::store::{CommitId, DocBody, DocKey, DocWrite, StoreError, Verdict};
use futures::future::join_all;

use super::{
    factory::{StoreFactory, one},
    make::{commit, doc, doc_is, feed, get, head_is, names, stream},
};

pub(super) async fn a_refused_commit_writes_nothing(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).event("counter/a", 1).put("doors", "front", "open").done(&store).await;
    let refused = commit(2)
        .if_doc("doors", "front", None)
        .event("counter/a", 2)
        .event("counter/b", 1)
        .put("doors", "back", "open")
        .put("doors", "front", "shut");
    refused.refused(&store).await;
    assert_eq!(names(&feed(&store, 0).await), [("counter/a".to_owned(), 1)]);
    assert_eq!(get(&store, "doors", "back").await, None);
    assert_eq!(get(&store, "doors", "front").await, Some(doc("doors", "front", 1, "open")));
    // Nothing of it counts for later guards either.
    commit(3).if_stream("counter/b", 0).if_stream("counter/a", 1).done(&store).await;
}

pub(super) async fn events_and_documents_are_written_together(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).event("counter/a", 1).event("counter/b", 1).put("t", "1", "x").put("u", "1", "y").done(&store).await;
    assert_eq!(feed(&store, 0).await.len(), 2);
    assert!(feed(&store, 0).await.iter().all(|event| event.commit == CommitId(1)));
    assert_eq!(get(&store, "t", "1").await, Some(doc("t", "1", 1, "x")));
    assert_eq!(get(&store, "u", "1").await, Some(doc("u", "1", 1, "y")));
}

pub(super) async fn a_commit_without_writes_asks_whether_its_guards_hold(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).event("counter/a", 1).put("t", "1", "x").done(&store).await;
    commit(2).if_stream("counter/a", 1).if_doc("t", "1", Some(1)).done(&store).await;
    assert_eq!(commit(3).if_stream("counter/a", 0).refused(&store).await, [head_is("counter/a", 1)]);
    commit(4).done(&store).await;
    assert_eq!(store.head().await.map(|head| head.0), Ok(1), "asking writes nothing");
}

pub(super) async fn a_refusal_leaves_its_neighbours_alone(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let mut answers = Vec::new();
    for number in 0..60_u64 {
        let mut draft = commit(u128::from(number) + 1).event(&format!("counter/{number}"), 1);
        match number % 3 {
            0 => {}
            1 => draft = draft.if_stream("never", 7),
            _ => draft.0.docs = vec![DocWrite { key: DocKey::new("t", "a\0b"), put: Some(DocBody::default()) }],
        }
        answers.push(draft.send(&store));
    }
    for (number, answer) in join_all(answers).await.into_iter().enumerate() {
        match number % 3 {
            0 => assert_eq!(answer, Ok(Verdict::Done), "{number}"),
            1 => assert!(matches!(answer, Ok(Verdict::Refused(_))), "{number}: {answer:?}"),
            _ => assert!(matches!(answer, Err(StoreError::Invalid(_))), "{number}: {answer:?}"),
        }
    }
    let written: Vec<_> = (0..60).step_by(3).map(|number| (format!("counter/{number}"), 1)).collect();
    assert_eq!(names(&feed(&store, 0).await), written);
}

pub(super) async fn a_chained_commit_sees_what_the_one_before_writes(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let chain = (1..=100_u64).map(|number| {
        let before = (number > 1).then(|| u128::from(number) - 1);
        commit(u128::from(number))
            .if_doc("cursors", "lane", before)
            .event("counter/a", number)
            .put("cursors", "lane", &number.to_string())
            .send(&store)
    });
    for answer in join_all(chain.collect::<Vec<_>>()).await {
        assert_eq!(answer, Ok(Verdict::Done));
    }
    assert_eq!(get(&store, "cursors", "lane").await, Some(doc("cursors", "lane", 100, "100")));
    assert_eq!(stream(&store, "counter/a").await.len(), 100);
}

pub(super) async fn a_chain_breaks_where_a_guard_breaks(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let first = commit(1).put("cursors", "lane", "1").send(&store);
    let broken = commit(2).if_doc("cursors", "lane", Some(1)).if_stream("counter/a", 5).put("cursors", "lane", "2");
    let broken = broken.send(&store);
    let behind = commit(3).if_doc("cursors", "lane", Some(2)).event("counter/b", 1).send(&store);
    assert_eq!(first.await, Ok(Verdict::Done));
    assert_eq!(broken.await, Ok(Verdict::Refused(vec![head_is("counter/a", 0)])));
    assert_eq!(behind.await, Ok(Verdict::Refused(vec![doc_is("cursors", "lane", Some((1, "1")))])));
    assert_eq!(feed(&store, 0).await, []);
}

pub(super) async fn guards_are_judged_before_anything_is_written(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let own = commit(1).if_stream("counter/a", 0).if_doc("t", "1", None).event("counter/a", 1).put("t", "1", "x");
    own.done(&store).await;
    commit(2).if_stream("counter/a", 1).if_doc("t", "1", Some(1)).done(&store).await;
}

pub(super) async fn a_commit_is_queued_when_it_is_called_not_when_it_is_polled(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let first = commit(1).put("t", "1", "first").send(&store);
    let second = commit(2).put("t", "1", "second").send(&store);
    // Polled in the other order, they still apply in the order they were called.
    assert_eq!(second.await, Ok(Verdict::Done));
    assert_eq!(first.await, Ok(Verdict::Done));
    assert_eq!(get(&store, "t", "1").await, Some(doc("t", "1", 2, "second")));
}

pub(super) async fn dropping_the_future_does_not_cancel(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    for number in 1..=20 {
        drop(commit(number).event("counter/a", number as u64).put("t", &number.to_string(), "x").send(&store));
    }
    // Queued behind the dropped ones, so they have been judged when this is answered.
    commit(99).done(&store).await;
    assert_eq!(stream(&store, "counter/a").await.len(), 20);
    assert_eq!(get(&store, "t", "20").await, Some(doc("t", "20", 20, "x")));
}

pub(super) async fn a_lost_answer_is_found_by_its_commit_id(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let lost = commit(7).if_doc("once", "key", None).event("counter/a", 1).put("once", "key", "the reply");
    drop(lost.send(&store));
    commit(8).done(&store).await;
    assert_eq!(stream(&store, "counter/a").await[0].commit, CommitId(7));
    // Sent again, it is refused, and what refuses it carries its own id and reply.
    let wrong = lost.refused(&store).await;
    assert_eq!(wrong, [doc_is("once", "key", Some((7, "the reply"))), head_is("counter/a", 1)]);
}
