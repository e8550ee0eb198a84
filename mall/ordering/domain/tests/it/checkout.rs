//! From placed to confirmed or rejected.

use bongsu_core::Effect;
use bongsu_given::{Ending, every_end, process, the_end};
use ordering_domain::{
    checkout::{Checkout, CheckoutCommand, DEADLINE},
    confirm_order::ConfirmOrder,
    events::{CancelledWhy, RejectedWhy},
    order::OrderRejection,
    reject_order::RejectOrder,
};

use crate::orders::*;

fn confirm() -> CheckoutCommand {
    ConfirmOrder { order: "o1".into() }.into()
}

fn reject(why: RejectedWhy) -> CheckoutCommand {
    let short = if why == RejectedWhy::OutOfStock { vec![shortage()] } else { vec![] };
    RejectOrder { order: "o1".into(), why, short }.into()
}

fn ends_with(command: CheckoutCommand) -> [Effect<CheckoutCommand>; 3] {
    [Effect::Send(command), Effect::CancelWake(DEADLINE), Effect::Done]
}

#[test]
fn the_deadline_is_armed_with_the_order() {
    process(&Checkout).hears(placed()).then([Effect::Wake { name: DEADLINE, at_ms: WINDOW_MS }]);
}

#[test]
fn an_order_stands_when_stock_is_held_and_money_is_taken() {
    process(&Checkout).hears(placed()).hears(stock_reserved()).then([]).hears(captured()).then(ends_with(confirm()));
}

#[test]
fn whichever_is_heard_first_the_end_is_the_same() {
    let end = the_end(&Checkout, &[vec![placed().into()], vec![stock_reserved().into()], vec![captured().into()]]);
    assert_eq!((end.sent, end.timers.len(), end.ending), (vec![confirm()], 0, Some(Ending::Done)));
}

#[test]
fn an_order_short_of_stock_is_rejected_with_what_is_short() {
    let end = the_end(&Checkout, &[vec![placed().into()], vec![stock_rejected().into()]]);
    assert_eq!((end.sent, end.ending), (vec![reject(RejectedWhy::OutOfStock)], Some(Ending::Done)));
}

#[test]
fn an_order_that_is_not_paid_is_rejected() {
    let facts = [vec![placed().into()], vec![stock_reserved().into()], vec![declined().into()]];
    assert_eq!(the_end(&Checkout, &facts).sent, [reject(RejectedWhy::PaymentDeclined)]);
}

#[test]
fn an_order_that_is_not_confirmed_in_time_is_rejected() {
    process(&Checkout)
        .hears(placed())
        .hears(stock_reserved())
        .wakes(DEADLINE)
        .then(ends_with(reject(RejectedWhy::Deadline)))
        .hears(captured())
        .then([]);
}

#[test]
fn a_customer_who_cancels_ends_the_wait() {
    process(&Checkout)
        .hears(placed())
        .hears(cancelled(CancelledWhy::Customer))
        .then([Effect::CancelWake(DEADLINE), Effect::Done])
        .hears(stock_reserved())
        .hears(captured())
        .then([]);
}

#[test]
fn a_refused_confirmation_needs_no_answer() {
    let checkout = process(&Checkout).hears(placed()).hears(captured()).hears(stock_reserved());
    checkout.refused(&OrderRejection::NotPending).then([]);
}

#[test]
fn however_facts_time_and_customer_race_one_thing_is_asked_at_most() {
    let facts = [
        vec![placed().into(), cancelled(CancelledWhy::Customer).into()],
        vec![stock_reserved().into()],
        vec![captured().into()],
    ];
    let mut asked = std::collections::BTreeSet::new();
    every_end(&Checkout, &facts, &[DEADLINE], |names, end| {
        assert!(end.sent.len() <= 1, "{names:?} asks {:?}", end.sent);
        assert_eq!((end.timers.len(), end.ending), (0, Some(Ending::Done)), "{names:?} leaves something behind");
        asked.insert(format!("{:?}", end.sent));
    });
    assert_eq!(asked.len(), 3, "confirmed, too late or withdrawn: {asked:?}");
}
