//! Rules about listing documents by id and by index.

use std::{ops::Bound, sync::Arc};

use bongsu_runtime::ports::store::{Scan, Store, id_of};
use bytes::Bytes;

use super::{
    factory::{StoreFactory, one},
    make::commit,
};

/// The cursors and document ids a scan brings.
async fn scan(store: &Arc<dyn Store>, what: Scan) -> Vec<(Bytes, String)> {
    let keys = store.keys(what.clone()).await.expect("a table's cursors can be read");
    let by_index = what.index.is_some();
    let found = store.scan(what).await.expect("a table can be scanned");
    let found: Vec<_> = found.into_iter().map(|(cursor, doc)| (cursor, doc.key.id.to_string())).collect();
    assert_eq!(keys, found.iter().map(|(cursor, _)| cursor.clone()).collect::<Vec<_>>(), "the cursors alone");
    assert!(!by_index || found.iter().all(|(cursor, id)| id_of(cursor) == Some(id)), "a cursor names its document");
    found
}

async fn ids(store: &Arc<dyn Store>, what: Scan) -> Vec<String> {
    scan(store, what).await.into_iter().map(|(_, id)| id).collect()
}

type Edge = Bound<&'static [u8]>;

fn at(bytes: &'static [u8]) -> Bytes {
    Bytes::from_static(bytes)
}

pub(super) async fn a_table_is_scanned_by_id(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).put("t", "b", "2").put("t", "a", "1").put("t", "c", "3").put("u", "d", "4").done(&store).await;
    let found = store.scan(Scan::table("t", 9)).await.expect("a table can be scanned");
    let flat: Vec<_> = found.iter().map(|(cursor, doc)| (&cursor[..], doc.key.id.as_str(), &doc.data[..])).collect();
    let expected: [(&[u8], _, &[u8]); 3] = [(b"a", "a", b"1"), (b"b", "b", b"2"), (b"c", "c", b"3")];
    assert_eq!(flat, expected);
    assert_eq!(found[0].1.revision.0, 1);
    assert_eq!(ids(&store, Scan { descending: true, ..Scan::table("t", 9) }).await, ["c", "b", "a"]);
    assert_eq!(ids(&store, Scan { descending: true, ..Scan::table("t", 2) }).await, ["c", "b"]);
    assert_eq!(ids(&store, Scan::table("t", 2)).await, ["a", "b"]);
    assert_eq!(ids(&store, Scan::table("t", 0)).await, [""; 0]);
    assert_eq!(ids(&store, Scan::table("nothing", 9)).await, [""; 0]);
}

pub(super) async fn bounds_hold_in_both_directions(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let mut all = commit(1);
    for id in ["a", "b", "c", "d", "e"] {
        all = all.put_indexed("t", id, id, &[(3, id.as_bytes())]);
    }
    all.done(&store).await;
    use Bound::{Excluded, Included, Unbounded};
    let cases: [(Edge, Edge, &str); 9] = [
        (Unbounded, Unbounded, "abcde"),
        (Included(b"b"), Unbounded, "bcde"),
        (Excluded(b"b"), Unbounded, "cde"),
        (Unbounded, Included(b"d"), "abcd"),
        (Unbounded, Excluded(b"d"), "abc"),
        (Included(b"b"), Included(b"d"), "bcd"),
        (Excluded(b"b"), Excluded(b"d"), "c"),
        (Included(b"aa"), Excluded(b"\xff\xfe"), "bcde"),
        (Included(b"d"), Included(b"b"), ""),
    ];
    for (from, to, expected) in cases {
        let what = Scan { from: from.map(at), to: to.map(at), ..Scan::table("t", 9) };
        assert_eq!(ids(&store, what.clone()).await.concat(), expected, "{from:?} {to:?}");
        let back: String = expected.chars().rev().collect();
        assert_eq!(ids(&store, Scan { descending: true, ..what }).await.concat(), back, "{from:?} {to:?}");
    }
    // On an index the bounds are cursors, so a bare key lies before every document under it.
    let by_index = |from, to| Scan { index: Some(3), from, to, ..Scan::table("t", 9) };
    assert_eq!(ids(&store, by_index(Excluded(at(b"b")), Unbounded)).await, ["b", "c", "d", "e"]);
    assert_eq!(ids(&store, by_index(Excluded(at(b"b\0b")), Included(at(b"d\0d")))).await, ["c", "d"]);
    assert_eq!(ids(&store, by_index(Unbounded, Included(at(b"b")))).await, ["a"]);
    assert_eq!(ids(&store, by_index(Included(at(b"d")), Excluded(at(b"b")))).await, [""; 0]);
}

pub(super) async fn a_scan_continues_behind_its_last_cursor(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let mut all = commit(1);
    for number in 0..25_u32 {
        all = all.put_indexed("t", &format!("{number:02}"), "x", &[(1, &[(number % 3) as u8])]);
    }
    all.done(&store).await;
    for (index, descending) in [(None, false), (None, true), (Some(1), false), (Some(1), true)] {
        let whole = Scan { index, descending, ..Scan::table("t", 99) };
        let expected = scan(&store, whole.clone()).await;
        assert_eq!(expected.len(), 25);
        let mut pages = Vec::new();
        let mut page = Scan { limit: 4, ..whole };
        loop {
            let found = scan(&store, page.clone()).await;
            let Some((last, _)) = found.last().cloned() else { break };
            pages.extend(found);
            *(if descending { &mut page.to } else { &mut page.from }) = Bound::Excluded(last);
        }
        assert_eq!(pages, expected, "index {index:?}, descending {descending}");
    }
}

pub(super) async fn an_index_is_scanned_in_byte_order(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let keys: [(&str, &[u8]); 7] =
        [("z", b"a"), ("y", b"a"), ("a", b"a\0"), ("x", b""), ("w", b"\xff\xff"), ("v", b"b"), ("u", b"\0")];
    let mut all = commit(1).put("t", "plain", "in no index").put_indexed("t", "elsewhere", "", &[(2, b"a")]);
    for (id, key) in keys {
        all = all.put_indexed("t", id, id, &[(1, key)]);
    }
    all.done(&store).await;
    let mut expected: Vec<_> = keys.iter().map(|(id, key)| ([*key, b"\0", id.as_bytes()].concat(), *id)).collect();
    expected.sort();
    let found = scan(&store, Scan { index: Some(1), ..Scan::table("t", 99) }).await;
    let found: Vec<_> = found.iter().map(|(cursor, id)| (cursor.to_vec(), id.as_str())).collect();
    assert_eq!(found, expected);
    assert_eq!(ids(&store, Scan { index: Some(2), ..Scan::table("t", 99) }).await, ["elsewhere"]);
    assert_eq!(ids(&store, Scan { index: Some(9), ..Scan::table("t", 99) }).await, [""; 0]);
}

pub(super) async fn a_document_appears_once_per_entry(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).put_indexed("t", "1", "x", &[(1, b"a"), (1, b"c"), (1, b"c"), (2, b"a")]).done(&store).await;
    commit(2).put_indexed("t", "2", "y", &[(1, b"b")]).done(&store).await;
    assert_eq!(ids(&store, Scan { index: Some(1), ..Scan::table("t", 99) }).await, ["1", "2", "1"]);
    assert_eq!(ids(&store, Scan { index: Some(2), ..Scan::table("t", 99) }).await, ["1"]);
    assert_eq!(ids(&store, Scan::table("t", 99)).await, ["1", "2"]);
}

pub(super) async fn rewriting_a_document_moves_its_entries(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let by_index = || Scan { index: Some(1), ..Scan::table("t", 99) };
    commit(1)
        .put_indexed("t", "1", "x", &[(1, b"a"), (1, b"b")])
        .put_indexed("t", "2", "", &[(1, b"a")])
        .done(&store)
        .await;
    commit(2).put_indexed("t", "1", "y", &[(1, b"b"), (1, b"c")]).done(&store).await;
    let found = store.scan(by_index()).await.expect("a table can be scanned");
    let flat: Vec<_> = found.iter().map(|(cursor, doc)| (&cursor[..], doc.revision.0, &doc.data[..])).collect();
    let expected: [(&[u8], _, &[u8]); 3] = [(b"a\x002", 1, b""), (b"b\x001", 2, b"y"), (b"c\x001", 2, b"y")];
    assert_eq!(flat, expected);
    commit(3).put("t", "1", "in no index any more").delete("t", "2").done(&store).await;
    assert_eq!(ids(&store, by_index()).await, [""; 0]);
    commit(4).put_indexed("t", "2", "back", &[(1, b"z")]).done(&store).await;
    assert_eq!(ids(&store, by_index()).await, ["2"]);
}
