//! I5, broken in each of its ways.

use serde_json::{Value, json};

use super::{Story, says};
use crate::rules::marks::marks_cover_facts;

const SUBJECT: &str = "order/ord_1";
/// The consumers that hear that an order was placed, with their contexts.
const HEAR_PLACED: [(&str, &str); 4] =
    [("product", "follow-orders"), ("payment", "follow-orders"), ("mypage", "order-history@2.1"), ("audit", "watch")];

/// An order of which two facts are heard by everybody in [`HEAR_PLACED`], and a third one by nobody.
fn told() -> Story {
    Story::new()
        .told("ordering", SUBJECT, "ordering.order-placed.v1", 1)
        .told("ordering", SUBJECT, "ordering.order-cancelled.v1", 4)
        .told("ordering", SUBJECT, "ordering.nobody-hears-this.v1", 5)
}

/// The same with a mark for each consumer, and one of them as a test wants it.
fn marked(change: Option<(&str, Option<Value>)>) -> Story {
    HEAR_PLACED.iter().chain([&("ordering", "orders-of-customer@1.1")]).fold(told(), |story, (context, consumer)| {
        let mark = match &change {
            Some((changed, mark)) if changed == context => mark.clone(),
            _ => Some(json!({ "sequence": 4 })),
        };
        let id = format!("{consumer}/ordering/{SUBJECT}");
        match mark {
            Some(mark) => story.doc(context, "seen", &id, mark),
            None => story,
        }
    })
}

#[test]
fn i5_marks_at_the_last_fact_that_is_heard_are_right() {
    assert_eq!(marks_cover_facts(&marked(None).0), Ok(5), "one subject, five consumers");
}

#[test]
fn i5_a_mark_that_is_missing_is_caught_whoever_lacks_it() {
    for (context, _) in HEAR_PLACED {
        says(marks_cover_facts(&marked(Some((context, None))).0), "has facts up to 4 and no mark");
    }
}

#[test]
fn i5_a_mark_that_is_too_low_is_caught() {
    for (context, _) in HEAR_PLACED {
        let low = marked(Some((context, Some(json!({ "sequence": 1 })))));
        says(marks_cover_facts(&low.0), "has facts up to 4, its mark stands at 1");
    }
}

#[test]
fn i5_a_mark_of_a_fact_that_is_not_heard_or_was_never_told_is_caught() {
    for beyond in [5, 9] {
        let high = marked(Some(("payment", Some(json!({ "sequence": beyond })))));
        says(marks_cover_facts(&high.0), "its mark is beyond");
    }
    let strange = marked(None).doc("payment", "seen", "follow-orders/ordering/order/ord_2", json!({ "sequence": 1 }));
    says(marks_cover_facts(&strange.0), "has facts up to 0, its mark is beyond");
}

#[test]
fn i5_a_fact_that_still_waits_in_a_queue_is_caught() {
    let queued = marked(Some(("product", Some(json!({ "sequence": 4, "queued": true })))));
    says(marks_cover_facts(&queued.0), "still waits in a queue");
}

#[test]
fn i5_looks_at_the_generation_of_a_read_model_that_is_shown() {
    let swapped = || marked(None).doc("mypage", "projection", "order-history@2", json!({ "generation": 2 }));
    says(marks_cover_facts(&swapped().0), "order-history@2.2: ordering/order/ord_1 has facts up to 4");
    let filled = swapped().doc("mypage", "seen", "order-history@2.2/ordering/order/ord_1", json!({ "sequence": 4 }));
    assert_eq!(marks_cover_facts(&filled.0), Ok(5));
}

#[test]
fn i5_looks_at_nothing_where_nothing_is_told() {
    assert_eq!(marks_cover_facts(&Story::new().0), Ok(0));
}
