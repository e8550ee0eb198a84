//! Rules about reading events.

use std::slice;

use bongsu_runtime::ports::store::{CommitId, Fact, NewEvent, Position, Read, StoredEvent, StoredFacts};
use bytes::Bytes;

use super::{
    factory::{StoreFactory, one},
    make::{commit, fact, feed, read, telling},
};

pub(super) async fn positions_are_dense_and_in_commit_order(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    for number in 1..=10_u64 {
        let draft = commit(number.into()).event("counter/a", 2 * number - 1).event("counter/a", 2 * number);
        draft.done(&store).await;
        commit(100 + u128::from(number)).event("counter/a", 7_000).refused(&store).await;
    }
    let all = feed(&store, 0).await;
    let positions: Vec<_> = all.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=20).map(|place| Some(Position(place))).collect::<Vec<_>>());
    assert_eq!(all.iter().map(|event| event.version).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    assert_eq!(store.head().await, Ok(Position(20)));
    assert_eq!(feed(&store, 17).await, all[17..]);
    assert_eq!(read(&store, Read::Feed { after: Position(5) }, 3).await, all[5..8]);
    assert_eq!(feed(&store, 20).await, []);
    assert_eq!(read(&store, Read::Feed { after: Position(0) }, 0).await, []);
}

pub(super) async fn a_stream_is_read_in_version_order(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    for number in 1..=10_u64 {
        commit(number.into()).event("counter/a", number).event("counter/ab", number).done(&store).await;
    }
    let read = |after, limit| read(&store, Read::Stream { stream: "counter/a".to_owned(), after }, limit);
    let versions = |events: Vec<StoredEvent>| events.iter().map(|event| event.version).collect::<Vec<_>>();
    assert!(read(0, 100).await.iter().all(|event| event.stream == "counter/a"));
    assert_eq!(versions(read(0, 100).await), (1..=10).collect::<Vec<_>>());
    assert_eq!(versions(read(4, 3).await), [5, 6, 7]);
    assert_eq!(versions(read(9, 3).await), [10]);
    assert_eq!(versions(read(10, 3).await), [0; 0]);
    assert_eq!(versions(read(77, 3).await), [0; 0]);
}

pub(super) async fn facts_come_with_the_events_that_carry_them(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1)
        .append(telling("counter/a", 1, 1))
        .event("counter/a", 2)
        .append(telling("counter/a", 3, 2))
        .done(&store)
        .await;
    commit(2).event("counter/b", 1).append(telling("counter/b", 2, 3)).done(&store).await;
    let read = async |after, limit| store.facts(Position(after), limit).await.expect("the store answers");
    let all = read(0, 100).await;
    let sequences = |told: &StoredFacts| told.facts.iter().map(|fact| fact.sequence).collect::<Vec<_>>();
    assert_eq!(all.iter().map(|told| told.position).collect::<Vec<_>>(), [1, 3, 5].map(Position));
    assert_eq!(all.iter().map(sequences).collect::<Vec<_>>(), [vec![10], vec![30, 31], vec![20, 21, 22]]);
    assert_eq!(all[0].facts, [fact("counter/a", 10)]);
    assert_eq!(read(0, 2).await, all[..2], "the limit counts events, not facts");
    assert_eq!(read(1, 100).await, all[1..]);
    assert_eq!(read(5, 100).await, []);
}

pub(super) async fn everything_of_an_event_comes_back(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let strange = |text: &str| Fact {
        id: format!("id {text}"),
        topic: format!("topic {text}"),
        subject: format!("subject {text}"),
        partition_key: format!("key {text}"),
        sequence: u64::MAX,
        cloudevent: Bytes::from_static(b"\x00\xff{"),
    };
    let new = NewEvent {
        stream: "계수기/'\"% _".to_owned(),
        version: 1,
        name: "counter.counted-twice",
        schema: u32::MAX,
        data: Bytes::from_static(&[0, 159, 146, 150]),
        meta: Bytes::from_static(b"\xff\x00"),
        facts: vec![strange("one"), strange("")],
    };
    commit(u128::MAX).append(new.clone()).done(&store).await;
    let told = StoredEvent {
        position: Some(Position(1)),
        commit: CommitId(u128::MAX),
        stream: new.stream.clone(),
        version: 1,
        name: new.name.to_owned(),
        schema: new.schema,
        data: new.data,
        meta: new.meta,
    };
    let after = Position(0);
    let facts = StoredFacts { position: Position(1), commit: CommitId(u128::MAX), facts: new.facts };
    assert_eq!(store.facts(after, 9).await, Ok(vec![facts]));
    let others = [Read::Feed { after }, Read::Stream { stream: new.stream, after: 0 }];
    for what in others {
        assert_eq!(read(&store, what, 9).await, slice::from_ref(&told));
    }
}

pub(super) async fn position_of_finds_an_event(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).event("counter/a", 1).event("counter/b", 1).event("counter/a", 2).done(&store).await;
    assert_eq!(store.position_of("counter/a", 2).await, Ok(Some(Position(3))));
    assert_eq!(store.position_of("counter/b", 1).await, Ok(Some(Position(2))));
    assert_eq!(store.position_of("counter/b", 2).await, Ok(None));
    assert_eq!(store.position_of("counter/b", 0).await, Ok(None));
    assert_eq!(store.position_of("counter/c", 1).await, Ok(None));
}

pub(super) async fn an_empty_store_answers_empty(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let after = Position(0);
    assert_eq!(store.head().await, Ok(Position(0)));
    let everything = [Read::Feed { after }, Read::Stream { stream: "counter/a".to_owned(), after: 0 }];
    for what in everything {
        assert_eq!(read(&store, what, 10).await, []);
    }
    assert_eq!(store.facts(after, 10).await, Ok(Vec::new()));
    assert_eq!(store.docs(Vec::new()).await, Ok(Vec::new()));
}
