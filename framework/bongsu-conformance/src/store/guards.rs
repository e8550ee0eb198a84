//! Rules about what a Commit may depend on.

use super::{
    factory::{StoreFactory, one},
    make::{commit, doc_is, feed, head_is, names},
};

pub(super) async fn an_event_follows_the_head_of_its_stream(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    assert_eq!(commit(1).event("counter/a", 2).refused(&store).await, [head_is("counter/a", 0)]);
    assert_eq!(commit(2).event("counter/a", 0).refused(&store).await, [head_is("counter/a", 0)]);
    commit(3).event("counter/a", 1).done(&store).await;
    assert_eq!(commit(4).event("counter/a", 1).refused(&store).await, [head_is("counter/a", 1)]);
    assert_eq!(commit(5).event("counter/a", 3).refused(&store).await, [head_is("counter/a", 1)]);
    commit(6).event("counter/a", 2).done(&store).await;
    assert_eq!(names(&feed(&store, 0).await), [("counter/a".to_owned(), 1), ("counter/a".to_owned(), 2)]);
}

pub(super) async fn events_of_one_commit_follow_each_other(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).event("counter/a", 1).event("counter/b", 1).event("counter/a", 2).done(&store).await;
    // What was found counts the events of the Commit before the one that does not fit.
    let gap = commit(2).event("counter/a", 3).event("counter/a", 5);
    assert_eq!(gap.refused(&store).await, [head_is("counter/a", 3)]);
    let twice = commit(3).event("counter/b", 2).event("counter/b", 2);
    assert_eq!(twice.refused(&store).await, [head_is("counter/b", 2)]);
    commit(4).if_stream("counter/a", 2).if_stream("counter/b", 1).done(&store).await;
}

pub(super) async fn a_stream_that_moved_refuses(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).event("counter/a", 1).done(&store).await;
    commit(2).if_stream("counter/a", 1).event("counter/b", 1).done(&store).await;
    commit(3).event("counter/a", 2).done(&store).await;
    let stale = commit(4).if_stream("counter/a", 1).event("counter/b", 2);
    assert_eq!(stale.refused(&store).await, [head_is("counter/a", 2)]);
    assert_eq!(commit(5).if_stream("counter/c", 1).refused(&store).await, [head_is("counter/c", 0)]);
}

/// Another instance was faster by exactly one event: the version is the one expected, the event is not.
pub(super) async fn an_event_that_took_the_place_of_another_refuses(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    assert_eq!(commit(1).if_last("counter/a", 1, 9).refused(&store).await, [head_is("counter/a", 0)]);
    commit(2).event("counter/a", 1).done(&store).await;
    commit(3).if_last("counter/a", 1, 2).event("counter/a", 2).event("counter/a", 3).done(&store).await;
    let (planned, faster) = (commit(4).event("counter/a", 4), commit(5).event("counter/a", 4));
    let follows = commit(6).if_last("counter/a", 4, 4).event("counter/a", 5);
    faster.done(&store).await;
    assert_eq!(planned.refused(&store).await, [head_is("counter/a", 4)]);
    assert_eq!(follows.refused(&store).await, [head_is("counter/a", 4)]);
    assert_eq!(commit(7).if_last("counter/a", 3, 3).refused(&store).await, [head_is("counter/a", 4)]);
    commit(8).if_last("counter/a", 4, 5).event("counter/a", 5).done(&store).await;
}

pub(super) async fn a_document_guard_wants_absence_or_the_exact_revision(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let put = |id: u128, revision| commit(id).if_doc("t", "1", revision).put("t", "1", &id.to_string());
    assert_eq!(put(1, Some(1)).refused(&store).await, [doc_is("t", "1", None)]);
    put(2, None).done(&store).await;
    assert_eq!(put(3, None).refused(&store).await, [doc_is("t", "1", Some((2, "2")))]);
    assert_eq!(put(4, Some(3)).refused(&store).await, [doc_is("t", "1", Some((2, "2")))]);
    put(5, Some(2)).done(&store).await;
    assert_eq!(put(6, Some(2)).refused(&store).await, [doc_is("t", "1", Some((5, "5")))]);
    // Written without a guard, it still takes the revision of the Commit that wrote it.
    commit(7).put("t", "1", "7").done(&store).await;
    put(8, Some(7)).done(&store).await;
}

pub(super) async fn a_deleted_document_is_absent(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).delete("t", "1").done(&store).await;
    commit(2).put("t", "1", "x").done(&store).await;
    commit(3).if_doc("t", "1", Some(2)).delete("t", "1").done(&store).await;
    assert_eq!(commit(4).if_doc("t", "1", Some(2)).refused(&store).await, [doc_is("t", "1", None)]);
    commit(5).if_doc("t", "1", None).put("t", "1", "y").done(&store).await;
    commit(6).if_doc("t", "1", Some(5)).done(&store).await;
}

pub(super) async fn a_mismatch_carries_what_was_found(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).put_indexed("once", "key", "the stored reply", &[(1, b"i")]).done(&store).await;
    let retry = commit(2).if_doc("once", "key", None).event("counter/a", 1).put("once", "key", "another reply");
    assert_eq!(retry.refused(&store).await, [doc_is("once", "key", Some((1, "the stored reply")))]);
}

pub(super) async fn every_guard_that_does_not_hold_is_named(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).event("counter/a", 1).put("t", "1", "x").done(&store).await;
    let wrong = commit(2)
        .if_stream("counter/a", 9)
        .if_stream("counter/a", 7)
        .if_stream("counter/b", 0)
        .if_doc("t", "1", None)
        .if_doc("t", "2", Some(1))
        .event("counter/a", 3)
        .event("counter/c", 2);
    let found =
        [head_is("counter/a", 1), doc_is("t", "1", Some((1, "x"))), doc_is("t", "2", None), head_is("counter/c", 0)];
    assert_eq!(wrong.refused(&store).await, found, "in the order given, events last, each once");
}
