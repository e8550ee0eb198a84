//! I16, broken in each of its ways.

use serde_json::json;

use super::{Story, says};
use crate::rules::poison::{Isolated, isolated};

/// Two facts of one order and one of another.
fn told() -> Story {
    Story::new()
        .event("ordering", "order/ord_1", "order.placed", "placed", "root")
        .event("ordering", "order/ord_1", "order.cancelled", "cancelled", "root")
        .event("ordering", "order/ord_2", "order.placed", "other", "root")
}

/// What product does because of a fact.
fn does(story: Story, order: &str, cause: &str) -> Story {
    story.event("product", &format!("reservation/{order}"), "reservation.done", &format!("{cause} done"), cause)
}

/// An operator has the parked first fact tried again.
fn retried(story: Story, order: &str, fact: &str) -> Story {
    let data = json!({ "key": order, "fact": { "id": fact, "source": "ordering" } }).to_string();
    let ids = (format!("retry of {fact}"), "olga");
    let mut story = story;
    story.push("product", "operator/parked", "bongsu.parked-fact-retried", 1, data.into(), (&ids.0, ids.1));
    story
}

/// The first fact is parked, the other order goes on, then both facts of the first are handled.
fn right() -> Story {
    let tried = retried(does(told(), "ord_2", "other"), "ord_1", "placed");
    does(does(tried, "ord_1", "placed"), "ord_1", "cancelled")
}

#[test]
fn i16_a_parked_fact_that_holds_up_its_own_key_alone_is_right() {
    assert_eq!(isolated(&right().0), Ok(Isolated { parked: 1, went_on: 1 }));
    assert_eq!(isolated(&told().0), Ok(Isolated::default()), "nothing was parked");
    let late = does(right(), "ord_1", "placed");
    assert_eq!(isolated(&late.0), Ok(Isolated { parked: 1, went_on: 1 }), "what an activity of the first brought");
}

#[test]
fn i16_a_later_fact_of_the_subject_that_did_not_wait_is_caught() {
    let overtaken = retried(does(told(), "ord_1", "cancelled"), "ord_1", "placed");
    says(isolated(&does(overtaken, "ord_1", "placed").0), "order/ord_1@2 order.cancelled overtook the parked");
}

#[test]
fn i16_facts_that_are_handled_in_another_order_after_the_retry_are_caught() {
    let swapped = does(does(retried(told(), "ord_1", "placed"), "ord_1", "cancelled"), "ord_1", "placed");
    says(isolated(&swapped.0), "was heard after version 2");
}

#[test]
fn i16_a_parked_fact_that_never_has_its_effect_is_caught() {
    let tried = || retried(told(), "ord_1", "placed");
    says(isolated(&tried().0), "was tried again and had no effect");
    let lost = does(tried(), "ord_1", "cancelled");
    says(isolated(&lost.0), "order/ord_1@1 order.placed was tried again and had no effect");
}

#[test]
fn i16_a_parked_fact_that_is_nowhere_is_caught() {
    says(isolated(&retried(told(), "ord_1", "made up").0), "the parked made up of ordering is in no store");
}

#[test]
fn i16_parked_facts_that_hold_up_everybody_are_caught() {
    let mut story = Story::new();
    for order in ["ord_1", "ord_2", "ord_3"] {
        story = story.event("ordering", &format!("order/{order}"), "order.placed", order, "root");
    }
    for order in ["ord_1", "ord_2", "ord_3"] {
        story = does(retried(story, order, order), order, order);
    }
    // What is handled behind the first retry is later than the facts that were parked then.
    let held_up = isolated(&story.0);
    says(held_up, "facts were parked and nothing else went on");
}
