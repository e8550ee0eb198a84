//! From confirmed to completed or cancelled.

use bongsu_core::Effect;
use bongsu_given::{Ending, every_end, process, the_end};
use ordering_domain::{
    cancel_undelivered::CancelUndelivered,
    complete_order::CompleteOrder,
    events::CancelledWhy,
    fulfilment::{Fulfilment, FulfilmentCommand},
    refuse_cancellation::RefuseCancellation,
};

use crate::orders::*;

fn complete() -> FulfilmentCommand {
    CompleteOrder { order: "o1".into() }.into()
}

fn refuse() -> FulfilmentCommand {
    RefuseCancellation { order: "o1".into() }.into()
}

fn give_up(why: CancelledWhy) -> FulfilmentCommand {
    CancelUndelivered { order: "o1".into(), why }.into()
}

#[test]
fn a_delivered_order_is_completed() {
    let end = the_end(&Fulfilment, &[vec![confirmed().into()], vec![departed().into(), delivered().into()]]);
    assert_eq!((end.sent, end.ending), (vec![complete()], Some(Ending::Done)));
}

#[test]
fn a_failed_delivery_cancels_the_order() {
    let end = the_end(&Fulfilment, &[vec![confirmed().into()], vec![departed().into(), failed().into()]]);
    assert_eq!((end.sent, end.ending), (vec![give_up(CancelledWhy::DeliveryFailed)], Some(Ending::Done)));
}

#[test]
fn a_wish_waits_until_delivery_answers() {
    process(&Fulfilment)
        .hears(confirmed())
        .hears(requested())
        .then([])
        .hears(delivery_cancelled())
        .then([Effect::Send(give_up(CancelledWhy::Customer)), Effect::Done]);
}

#[test]
fn a_wish_that_comes_after_the_departure_is_refused() {
    process(&Fulfilment).hears(confirmed()).hears(departed()).then([]).hears(requested()).sends([refuse()]);
}

#[test]
fn a_wish_overtaken_by_the_departure_is_refused() {
    process(&Fulfilment).hears(confirmed()).hears(requested()).hears(departed()).sends([refuse()]);
}

#[test]
fn a_delivery_cancelled_before_it_was_prepared_is_an_answer_too() {
    let facts = [vec![confirmed().into(), requested().into()], vec![delivery_cancelled().into()]];
    assert_eq!(the_end(&Fulfilment, &facts).sent, [give_up(CancelledWhy::Customer)]);
}

#[test]
fn whenever_the_wish_comes_it_is_answered_once_and_the_parcel_arrives() {
    let facts = [vec![confirmed().into(), requested().into()], vec![departed().into(), delivered().into()]];
    every_end(&Fulfilment, &facts, &[], |names, end| {
        let refusals = end.sent.iter().filter(|command| **command == refuse()).count();
        let completions = end.sent.iter().filter(|command| **command == complete()).count();
        assert_eq!((refusals, completions, end.sent.len()), (1, 1, 2), "{names:?}: {:?}", end.sent);
        assert_eq!(end.ending, Some(Ending::Done));
    });
}
