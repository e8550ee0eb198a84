//! Rules about input at and over the edges.

use std::{ops::Bound, sync::Arc};

use bongsu_runtime::ports::store::{
    Commit, CommitId, DocBody, DocKey, DocWrite, Guard, MAX_BODY, MAX_DOC_NAME, MAX_ITEMS, MAX_NAME, NewEvent,
    Position, Read, Scan, Store, StoreError,
};
use bytes::Bytes;

use super::{
    factory::{StoreFactory, one},
    make::{commit, event, feed, get, head_is, read},
};

async fn invalid(store: &Arc<dyn Store>, why: &str, commit: Commit) {
    let answer = store.commit(commit).await;
    assert!(matches!(answer, Err(StoreError::Invalid(_))), "{why}: {answer:?}");
}

pub(super) async fn what_can_never_be_stored_is_invalid(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let large = Bytes::from(vec![b'x'; MAX_BODY + 1]);
    let good = commit(1).event("counter/good", 1).put("t", "good", "x");
    let with = |event: NewEvent| good.clone().append(event).0;
    invalid(&store, "data too large", with(NewEvent { data: large.clone(), ..event("counter/a", 1) })).await;
    invalid(&store, "meta too large", with(NewEvent { meta: large.clone(), ..event("counter/a", 1) })).await;
    invalid(&store, "NUL in a stream", with(event("counter/\0", 1))).await;
    let long = "n".repeat(MAX_NAME);
    invalid(&store, "stream too long", with(event(&format!("{long}n"), 1))).await;
    let mut body = good.clone().0;
    body.docs.push(DocWrite { key: DocKey::new("t", "large"), put: Some(DocBody { data: large, index: Vec::new() }) });
    invalid(&store, "document too large", body).await;
    invalid(&store, "NUL in a table", good.clone().put("t\0", "1", "x").0).await;
    let wide = "n".repeat(MAX_DOC_NAME);
    invalid(&store, "name of a document too long", good.clone().put("t", &format!("{wide}n"), "x").0).await;
    invalid(&store, "two writes to one key", good.clone().put("t", "1", "x").delete("t", "1").0).await;
    let mut many = good.clone().0;
    many.guards = vec![Guard::Head("counter/a".to_owned(), 0); MAX_ITEMS + 1];
    invalid(&store, "too many guards", many).await;
    assert_eq!(feed(&store, 0).await, [], "nothing of them was written");
    assert_eq!(get(&store, "t", "good").await, None);
    good.event(&long, 1).put("t", &wide, "x").done(&store).await;
    assert!(get(&store, "t", &wide).await.is_some());
}

pub(super) async fn the_largest_body_is_stored(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let large = Bytes::from((0..MAX_BODY).map(|at| at as u8).collect::<Vec<_>>());
    let mut draft = commit(1).append(NewEvent { data: large.clone(), meta: large.clone(), ..event("counter/a", 1) });
    draft.0.docs.push(DocWrite {
        key: DocKey::new("t", "1"),
        put: Some(DocBody { data: large.clone(), index: vec![(1, Bytes::from_static(b"k"))] }),
    });
    draft.done(&store).await;
    let events = feed(&store, 0).await;
    assert!(events[0].data == large && events[0].meta == large);
    assert!(get(&store, "t", "1").await.is_some_and(|doc| doc.data == large));
    let mut many = commit(2);
    for number in 0..MAX_ITEMS {
        many = many.event("counter/many", number as u64 + 1).put("many", &number.to_string(), "x");
    }
    many.done(&store).await;
    assert_eq!(feed(&store, 1).await.len(), MAX_ITEMS);
}

pub(super) async fn empty_and_binary_payloads_come_back(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let payloads: [&'static [u8]; 4] = [b"", b"\0", b"\xff\xfe\x00\xc3\x28", b"{not json"];
    for (number, payload) in payloads.into_iter().enumerate() {
        let payload = Bytes::from_static(payload);
        let version = number as u64 + 1;
        let mut draft = commit(version.into()).append(NewEvent {
            data: payload.clone(),
            meta: payload.clone(),
            ..event("counter/a", version)
        });
        draft.0.docs.push(DocWrite {
            key: DocKey::new("t", "1"),
            put: Some(DocBody { data: payload.clone(), index: vec![(0, payload.clone())] }),
        });
        draft.done(&store).await;
        let stored = &feed(&store, version - 1).await[0];
        assert_eq!((&stored.data, &stored.meta), (&payload, &payload));
        assert_eq!(get(&store, "t", "1").await.map(|doc| doc.data), Some(payload));
    }
}

pub(super) async fn extreme_numbers_are_compared_not_wrapped(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(0).event("counter/a", 1).put_indexed("t", "1", "x", &[(u16::MAX, b"k"), (0, b"k")]).done(&store).await;
    for far in [u64::MAX, i64::MAX as u64, i64::MAX as u64 + 1] {
        assert_eq!(commit(1).event("counter/a", far).refused(&store).await, [head_is("counter/a", 1)]);
        assert_eq!(commit(2).if_stream("counter/b", far).refused(&store).await, [head_is("counter/b", 0)]);
        let stream = "counter/a".to_owned();
        assert_eq!(read(&store, Read::Stream { stream, after: far }, u32::MAX).await, []);
        assert_eq!(feed(&store, far).await, []);
        let after = Position(far);
        assert_eq!(store.facts(after, u32::MAX).await, Ok(Vec::new()));
        assert_eq!(store.position_of("counter/a", far).await, Ok(None));
    }
    commit(3).if_doc("t", "1", Some(0)).done(&store).await;
    commit(4).if_doc("t", "1", Some(u128::MAX)).refused(&store).await;
    let scan = Scan { index: Some(u16::MAX), from: Bound::Included(Bytes::new()), ..Scan::table("t", u32::MAX) };
    let found = store.scan(scan).await.expect("a table can be scanned");
    assert_eq!(found.iter().map(|(_, doc)| doc.revision).collect::<Vec<_>>(), [CommitId(0)]);
}
