//! Queries and what they are to find.

use search::{Entry, Found, Index, Words};

/// Id, Korean and English name, what else is said, category, rank.
const SHELF: [(&str, &str, &str, &str, &str, u64); 10] = [
    ("W1", "가죽 손목시계", "Leather wristwatch", "얇고 가벼운 시계입니다. 생활 방수.", "fashion", 5),
    ("W2", "벽시계", "Wall clock", "조용히 갑니다.", "home", 9),
    ("T1", "손수건", "Handkerchief", "손목을 닦기에 좋습니다.", "fashion", 0),
    ("T2", "4K 텔레비전 55\"", "4K Television 55\"", "Bright even by day.", "electronics", 3),
    ("K1", "KF94 마스크", "KF94 mask", "숨쉬기 편합니다.", "health", 7),
    ("N1", "공책", "Notebook", "줄이 있는 종이 80장.", "stationery", 1),
    ("N2", "노트북 가방", "Notebook bag", "공책도 들어갑니다.", "fashion", 2),
    ("C1", "커피잔", "Coffee cup", "Crème brûlée 색.", "kitchen", 0),
    ("B1", "나무 의자", "Wooden chair", "공원에서 본 그 의자.", "furniture", 0),
    ("B2", "사과나무 묘목", "Apple tree seedling", "봄에 심으세요.", "plants", 0),
];

fn shelf() -> Index {
    let mut index = Index::new().expect("an index");
    for (since, (id, korean, english, text, category, rank)) in SHELF.into_iter().enumerate() {
        let names = vec![korean.to_owned(), english.to_owned()];
        let (id, category) = (id.to_owned(), Some(category.to_owned()));
        index
            .put(&Entry { id, names, texts: vec![text.to_owned()], category, rank, since: since as u64 })
            .expect("put");
    }
    index.commit().expect("shown");
    index
}

fn find(index: &Index, text: &str) -> Found {
    index.find(&Words::of(text).expect("short"), None, None, 50).expect("found")
}

#[test]
fn queries_find_what_a_person_means_and_nothing_else() {
    let index = shelf();
    let cases: &[(&str, &[&str])] = &[
        // Part of a word, with and without the blank that people leave out.
        ("시계", &["W2", "W1"]),
        ("손목시계", &["W1"]),
        ("손목 시계", &["W1"]),
        ("시계 손목", &["W1"]),
        ("가죽손목시계", &["W1"]),
        ("목시", &["W1"]),
        // Letters in another order are another word.
        ("계시", &[]),
        ("목손", &[]),
        ("트노", &[]),
        // In the names first, then elsewhere, and of two in the names what is bought more.
        ("손목", &["W1", "T1"]),
        ("공책", &["N1", "N2"]),
        ("의자", &["B1"]),
        ("나무", &["B1", "B2"]),
        // One syllable.
        ("손", &["W1", "T1"]),
        ("잔", &["C1"]),
        ("힣", &[]),
        // English, in any case, and parts of it.
        ("notebook", &["N2", "N1"]),
        ("NOTEBOOK", &["N2", "N1"]),
        ("book", &["N2", "N1"]),
        ("note", &["N2", "N1"]),
        ("koob", &[]),
        ("wall clock", &["W2"]),
        ("clock wall", &["W2"]),
        ("wallclock", &[]),
        ("cup", &["C1"]),
        ("cups", &[]),
        // Both languages and both places at once: each word has to be somewhere.
        ("가방 notebook", &["N2"]),
        ("가방 공책", &["N2"]),
        ("가방 시계", &[]),
        ("television bright", &["T2"]),
        // Digits and signs.
        ("55\"", &["T2"]),
        ("4k", &["T2"]),
        ("kf94", &["K1"]),
        ("KF-94", &["K1"]),
        ("kf9 4", &["K1"]),
        ("94kf", &[]),
        ("80장", &["N1"]),
        // Accents are letters of their own; one letter, however it is composed.
        ("crème", &["C1"]),
        ("cre\u{300}me", &["C1"]),
        ("creme", &[]),
        ("\u{1109}\u{1175}\u{1100}\u{1168}", &["W2", "W1"]),
        // What has no letter is in nothing.
        ("!?", &[]),
        ("🔥", &[]),
        // A word of what is said of it, over the end of a sentence never.
        ("시계입니다", &["W1"]),
        ("시계입니다생활", &[]),
        ("입니다 생활", &["W1"]),
        ("방수 조용히", &[]),
    ];
    assert!(cases.len() >= 30, "{} queries", cases.len());
    for (text, ids) in cases {
        assert_eq!(find(&index, text).ids, *ids, "{text}");
    }
}

#[test]
fn whoever_asks_for_nothing_sees_everything_what_is_bought_most_first() {
    let found = find(&shelf(), "  ");
    assert_eq!(found.ids, ["W2", "K1", "W1", "T2", "N2", "N1", "T1", "C1", "B1", "B2"]);
    assert_eq!((found.total, found.next), (10, None));
}

#[test]
fn each_category_is_counted_whichever_is_looked_at() {
    let index = shelf();
    let found = index.find(&Words::of("공책").unwrap(), Some("fashion"), None, 50).unwrap();
    assert_eq!((found.ids, found.total), (vec!["N2".to_owned()], 1));
    let counted: Vec<_> = found.categories.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(counted, [("fashion", 1), ("stationery", 1)]);
    let none = index.find(&Words::default(), Some("no such"), None, 50).unwrap();
    assert_eq!((none.ids.len(), none.total, none.categories.len()), (0, 0, 8));
}

#[test]
fn pages_put_together_are_the_whole() {
    let index = shelf();
    let (whole, mut pieces, mut after) = (find(&index, "").ids, Vec::new(), None);
    loop {
        let page = index.find(&Words::default(), None, after, 3).unwrap();
        assert_eq!(page.total, 10);
        pieces.extend(page.ids);
        let Some(next) = page.next else { break };
        after = search::Place::of_bytes(&next.to_bytes());
        assert_eq!(after.as_ref(), Some(&next), "a place is itself again");
    }
    assert_eq!(pieces, whole);
}

#[test]
fn an_entry_takes_the_place_of_the_one_before_and_can_be_taken_out() {
    let mut index = shelf();
    index.put(&Entry { id: "W1".into(), names: vec!["목걸이".into()], ..Entry::default() }).unwrap();
    index.remove("W2");
    assert_eq!(find(&index, "시계").ids, ["W2", "W1"], "not before it is shown");
    index.commit().unwrap();
    assert!(find(&index, "시계").ids.is_empty());
    assert_eq!((find(&index, "목걸이").ids, find(&index, "").total), (vec!["W1".to_owned()], 9));
}
