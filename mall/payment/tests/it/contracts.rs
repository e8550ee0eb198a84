//! What payment tells fits its contracts, what it hears parses every sample of the others, and what it stored once can be
//! read for ever.

use std::path::Path;

use bongsu_core::{Messages, Wire};
use bongsu_testing::given::{
    contract::{described, golden, heard, published},
    policy,
};
use payment::{
    Captured, Declined, Heard, OrderCancelled, OrderPlaced, OrderRejected, Refunded, Settings, StockReserved, api,
    follow_orders, payment::*, service, told,
};

use crate::words::*;

#[derive(Clone, Debug, PartialEq, Messages)]
enum Fact {
    Captured(Captured),
    Declined(Declined),
    Refunded(Refunded),
}

fn contexts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn what_the_provider_did_is_told_as_the_contracts_say() {
    let facts = [captured(), declined(), refunded()].map(|event| {
        let public = told("o1", &event, &PaymentState::default()).expect("what the provider did is told");
        assert_eq!(public.key, "o1", "facts of an order's life are keyed by order");
        Fact::decode(public.name, public.schema, &public.data).expect("it was just encoded").expect("a known fact")
    });
    published(&contexts().join("payment/contracts"), &facts);
}

#[test]
fn what_payment_only_remembers_is_not_told() {
    for event in [intended(), held(), requested(), forgone(), ended(), going_back()] {
        assert_eq!(told("o1", &event, &PaymentState::default()), None, "{event:?}");
    }
}

#[test]
fn what_is_heard_parses_every_sample() {
    let service = service(&Settings::default());
    let arrows = service.hears();
    let facts: Vec<&str> = arrows.iter().map(|(fact, _)| fact.as_str()).collect();
    heard::<Heard>(contexts(), &facts);
}

#[test]
fn the_api_is_described_as_it_is_served() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts");
    described(Path::new(folder), &api::api().description());
}

#[test]
fn a_placed_order_is_an_intent_to_pay() {
    let (amount, expires_at_ms) = (AMOUNT, 30_000);
    let placed = OrderPlaced { order: id(), amount, expires_at_ms };
    policy(follow_orders, placed).then([RememberIntent { order: id(), amount, expires_at_ms }.into()]);
}

#[test]
fn reserved_stock_is_remembered() {
    policy(follow_orders, StockReserved { order: id() }).then([RememberStockHeld { order: id() }.into()]);
}

#[test]
fn both_ends_of_an_order_are_ends_for_its_money() {
    policy(follow_orders, OrderRejected { order: id() }).then([RememberEnd { order: id() }.into()]);
    policy(follow_orders, OrderCancelled { order: id() }).then([RememberEnd { order: id() }.into()]);
}

#[test]
fn every_number_that_can_be_set_has_a_range() {
    assert_eq!(bongsu_testing::settings::have_ranges::<Settings>(), 2);
}

#[test]
fn what_was_stored_once_is_read_for_ever() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"));
    let (first, then) = ([intended(), held(), requested(), forgone(), ended()], [captured(), declined()]);
    golden::<PaymentEvent>(folder, &[&first[..], &then, &[going_back(), refunded()]].concat());
    golden::<PaymentCommand>(folder, &[intend(), hold(), end(), take(), give_back()]);
    golden(folder, &[PaymentRejection::AlreadyKnown]);
}
