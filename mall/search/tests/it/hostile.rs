//! Texts that mean harm find what they say, or nothing, and soon.

use std::time::{Duration, Instant};

use search::{Entry, Index, LONGEST, MOST_WORDS, Place, TooMuch, Words};

/// Far more than any search here takes on a busy machine.
const SOON: Duration = Duration::from_secs(5);

fn index() -> Index {
    let mut index = Index::new().expect("an index");
    for number in 0..300 {
        let names = vec![format!("{} {number}", "가".repeat(90)), "aaaa ".repeat(20)];
        index.put(&Entry { id: format!("E{number}"), names, ..Entry::default() }).expect("put");
    }
    index.commit().expect("shown");
    index
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a search takes is what is tested")]
fn what_looks_like_a_language_or_costs_much_is_a_text_like_any_other() {
    let index = index();
    let texts = [
        "가".repeat(LONGEST),
        "a ".repeat(MOST_WORDS),
        "aa".repeat(LONGEST / 2),
        "* OR id:[* TO *] AND NOT (".into(),
        "\"".repeat(LONGEST),
        "said:가 /.*.*.*.*/".into(),
        "\u{0}\u{1}\u{FFFD}\u{202E}".into(),
        "\u{301}".repeat(LONGEST),
        "ﷺ".repeat(LONGEST),
    ];
    for text in texts {
        let begun = Instant::now();
        let found = Words::of(&text).map(|words| index.find(&words, Some("*"), None, 200).unwrap());
        assert!(found.is_ok_and(|found| found.ids.is_empty()), "{text}");
        assert!(begun.elapsed() < SOON, "{text}");
    }
}

#[test]
fn what_is_too_much_is_refused() {
    assert_eq!(Words::of(&"가".repeat(LONGEST + 1)), Err(TooMuch::Long));
    assert_eq!(Words::of(&"a ".repeat(MOST_WORDS + 1)), Err(TooMuch::Words));
    assert_eq!(Words::of(&"a-".repeat(MOST_WORDS + 1)), Err(TooMuch::Words));
}

#[test]
fn bytes_that_are_no_place_are_none() {
    for bytes in [&b""[..], b"x", &[0; 16], &[&[0; 17][..], &[0xFF]].concat()] {
        assert_eq!(Place::of_bytes(bytes), None, "{bytes:?}");
    }
}
