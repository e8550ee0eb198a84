//! Rules about documents.

use std::collections::BTreeSet;

use bongsu_runtime::ports::store::{CommitId, DocKey, Scan, Verdict};

use super::{
    factory::{StoreFactory, one, two},
    make::{commit, doc, get},
};

pub(super) async fn documents_come_in_the_order_asked(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).put("t", "1", "a").put("t", "2", "b").put("u", "1", "c").done(&store).await;
    let asked = [("u", "1"), ("t", "2"), ("t", "3"), ("t", "2"), ("v", "1"), ("t", "1")];
    let found = store.docs(asked.iter().map(|(table, id)| DocKey::new(*table, *id)).collect()).await;
    let b = Some(doc("t", "2", 1, "b"));
    let expected = vec![Some(doc("u", "1", 1, "c")), b.clone(), None, b, None, Some(doc("t", "1", 1, "a"))];
    assert_eq!(found, Ok(expected));
}

pub(super) async fn a_document_is_replaced_and_deleted(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    commit(1).put("t", "1", "a").done(&store).await;
    commit(2).put("t", "1", "b").done(&store).await;
    assert_eq!(get(&store, "t", "1").await, Some(doc("t", "1", 2, "b")));
    commit(3).delete("t", "1").done(&store).await;
    assert_eq!(get(&store, "t", "1").await, None);
    commit(4).put("t", "1", "c").done(&store).await;
    assert_eq!(get(&store, "t", "1").await, Some(doc("t", "1", 4, "c")));
}

pub(super) async fn documents_are_one_snapshot(factory: &dyn StoreFactory) {
    const ROUNDS: u128 = 60;
    let (writer, reader) = two(factory).await;
    let ids: Vec<String> = (0..300).map(|id| id.to_string()).collect();
    let all = |round: u128| ids.iter().fold(commit(round), |commit, id| commit.put("t", id, &round.to_string()));
    all(1).done(&writer).await;
    let mut seen = BTreeSet::new();
    for round in 2..=ROUNDS {
        let write = all(round).send(&writer);
        // Read while it is being written, again and again until it is there.
        loop {
            let found = reader.docs(ids.iter().map(|id| DocKey::new("t", id.as_str())).collect()).await;
            let found = found.expect("documents can be read");
            let revisions: BTreeSet<_> = found.iter().flatten().map(|doc| doc.revision).collect();
            assert_eq!((found.len(), revisions.len()), (ids.len(), 1), "round {round}: {revisions:?}");
            seen.extend(&revisions);
            if revisions.contains(&CommitId(round)) {
                break;
            }
        }
        assert_eq!(write.await, Ok(Verdict::Done));
    }
    assert_eq!(seen.last(), Some(&CommitId(ROUNDS)));
}

pub(super) async fn dropping_a_table_leaves_the_others(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let tables = ["t", "t@2", "T", "t%", "tt"];
    for (number, table) in tables.iter().enumerate() {
        commit(number as u128 + 1).put_indexed(table, "1", "x", &[(1, b"k")]).put(table, "2", "y").done(&store).await;
    }
    store.drop_table("t").await.expect("a table can be dropped");
    store.drop_table("never there").await.expect("dropping nothing is no error");
    for table in tables {
        let left = if table == "t" { 0 } else { 2 };
        assert_eq!(store.scan(Scan::table(table, 9)).await.map(|docs| docs.len()), Ok(left), "{table}");
        let by_index = Scan { index: Some(1), ..Scan::table(table, 9) };
        assert_eq!(store.scan(by_index).await.map(|docs| docs.len()), Ok(left / 2), "{table}");
    }
    commit(9).if_doc("t", "1", None).put_indexed("t", "1", "z", &[(1, b"k")]).done(&store).await;
    assert_eq!(get(&store, "t", "1").await, Some(doc("t", "1", 9, "z")));
}

pub(super) async fn names_may_be_odd(factory: &dyn StoreFactory) {
    let store = one(factory).await;
    let odd = [
        "",
        " ",
        "'",
        "\"; drop table doc; --",
        "%",
        "_",
        "\\",
        "ㄱㄴㄷ",
        "é",
        "e\u{301}",
        "A",
        "a",
        "🔥",
        "\u{10ffff}",
    ];
    let mut all = commit(1);
    for table in odd {
        for id in odd {
            all = all.put(table, id, &format!("{table}/{id}"));
        }
    }
    all.done(&store).await;
    for table in odd {
        for id in odd {
            assert_eq!(get(&store, table, id).await, Some(doc(table, id, 1, &format!("{table}/{id}"))));
        }
        let mut ids = odd.to_vec();
        ids.sort_unstable();
        let found = store.scan(Scan::table(table, 99)).await.expect("a table can be scanned");
        assert_eq!(found.iter().map(|(_, doc)| doc.key.id.as_str()).collect::<Vec<_>>(), ids, "byte order");
    }
}
