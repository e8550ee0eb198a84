//! What can be ordered, and at which price.

use bongsu_given::{Given, given};
use money::{Currency, Money};
use ordering_domain::{
    events::{OrderEvent, OrderLine, OrderPlaced},
    order::{OrderRejection, Orders},
    place_order::{PlaceOrder, WantedLine, fits_a_label},
    price_list::{Offer, PastPrice},
};

use crate::orders::*;

const ORDERS: Orders = Orders { window_ms: WINDOW_MS };

fn nothing() -> Given<'static, Orders> {
    given(&ORDERS, [])
}

fn placed_with(lines: Vec<OrderLine>, amount: i64) -> OrderEvent {
    OrderPlaced { lines, amount: Money::krw(amount), ..placed_of(&new_id()) }.into()
}

/// Seen at 9 000, which ended at 1 000; the price is 10 000 now.
fn seen(minor: i64) -> WantedLine {
    let past = vec![PastPrice { price: Money::krw(9_000), until_ms: 1_000 }];
    WantedLine { seen_minor: Some(minor), ..wanted(1, Some(Offer { past, ..offer(10_000) })) }
}

#[test]
fn an_order_is_pending_with_a_total_and_a_deadline() {
    let placed = OrderPlaced { placed_at_ms: 500, expires_at_ms: 30_500, ..placed_of(&new_id()) };
    nothing().at(500).when(place(vec![wanted(2, Some(offer(10_000)))])).on(&new_id()).then([placed.into()]);
}

#[test]
fn an_order_holds_several_lines_also_of_one_product() {
    let lines = vec![wanted(2, Some(offer(10_000))), wanted(1, Some(offer(10_000)))];
    nothing().when(place(lines)).then([placed_with(vec![line(2, 10_000), line(1, 10_000)], 30_000)]);
}

#[test]
fn an_order_is_placed_only_once() {
    given(&orders(), [placed().into()])
        .when(place(vec![wanted(2, Some(offer(10_000)))]))
        .then_rejected(OrderRejection::AlreadyPlaced);
}

#[test]
fn an_order_of_nothing_is_refused() {
    nothing().when(place(vec![])).then_rejected(OrderRejection::NoLines);
}

#[test]
fn an_order_holds_at_most_fifty_lines() {
    let lines = |count| vec![wanted(1, Some(offer(1))); count];
    nothing().when(place(lines(51))).then_rejected(OrderRejection::TooManyLines { most: 50 });
    nothing().when(place(lines(50))).then([placed_with(vec![line(1, 1); 50], 50)]);
}

#[test]
fn a_line_is_of_one_to_a_thousand_pieces() {
    for quantity in [0, 1_001, u32::MAX] {
        let lines = vec![wanted(1, Some(offer(1))), wanted(quantity, Some(offer(1)))];
        nothing().when(place(lines)).then_rejected(OrderRejection::Quantity { line: 1, most: 1_000 });
    }
    nothing().when(place(vec![wanted(1_000, Some(offer(1)))])).then([placed_with(vec![line(1_000, 1)], 1_000)]);
}

#[test]
fn what_is_not_in_the_price_list_cannot_be_ordered() {
    let unknown = OrderRejection::UnknownProduct { line: 0, sku: "TV".into() };
    nothing().when(place(vec![wanted(1, None)])).then_rejected(unknown);
}

#[test]
fn a_retired_product_cannot_be_ordered() {
    let retired = Offer { retired: true, ..offer(1) };
    let not_sold = OrderRejection::NotSold { line: 0, sku: "TV".into() };
    nothing().when(place(vec![wanted(1, Some(retired))])).then_rejected(not_sold);
}

#[test]
fn an_order_is_in_one_currency() {
    let dollars = Offer { price: Money::new(100, Currency::new("USD").unwrap()), ..offer(1) };
    let lines = vec![wanted(1, Some(offer(1))), wanted(1, Some(dollars))];
    nothing().when(place(lines)).then_rejected(OrderRejection::MixedCurrencies);
}

#[test]
fn a_total_beyond_all_numbers_is_refused() {
    let times = vec![wanted(3, Some(offer(i64::MAX / 2)))];
    nothing().when(place(times)).then_rejected(OrderRejection::TooExpensive);
    let plus = vec![wanted(1, Some(offer(i64::MAX))), wanted(1, Some(offer(1)))];
    nothing().when(place(plus)).then_rejected(OrderRejection::TooExpensive);
}

#[test]
fn an_address_fits_on_a_label() {
    for bad in ["", "  \n", "a\0b", &"가".repeat(301)] {
        assert_eq!(fits_a_label(bad), Err(OrderRejection::Address { longest: 300 }));
    }
    assert_eq!(fits_a_label(&"🏠".repeat(300)), Ok(()));
}

#[test]
fn an_order_goes_somewhere() {
    let order = |address: &str| PlaceOrder { address: address.into(), ..place(vec![wanted(1, Some(offer(1)))]) };
    for bad in ["", " \n", &"x".repeat(2_001)] {
        nothing().when(order(bad)).then_rejected(OrderRejection::Address { longest: 300 });
    }
    // The longest that is sealed: a prefix, and base64 of nonce, four bytes for a character, and tag.
    let longest = "sealed:v1:".len() + (12 + 4 * 300 + 16_usize).div_ceil(3) * 4;
    assert!(nothing().when(order(&"x".repeat(longest))).decided().is_ok());
}

#[test]
fn the_price_shown_counts_while_it_is_current() {
    nothing().at(9_000_000).when(place(vec![seen(10_000)])).then([OrderPlaced {
        placed_at_ms: 9_000_000,
        expires_at_ms: 9_030_000,
        ..placed_of_one(10_000)
    }
    .into()]);
}

#[test]
fn the_price_shown_wins_for_a_minute_after_it_changed() {
    let at_the_end = OrderPlaced { placed_at_ms: 61_000, expires_at_ms: 91_000, ..placed_of_one(9_000) };
    nothing().at(61_000).when(place(vec![seen(9_000)])).then([at_the_end.into()]);
}

#[test]
fn an_older_price_is_refused_with_the_new_one() {
    let changed = |minor| {
        let price = Money::krw(10_000);
        (place(vec![seen(minor)]), OrderRejection::PriceChanged { line: 0, sku: "TV".into(), price })
    };
    let (order, rejection) = changed(9_000);
    nothing().at(61_001).when(order).then_rejected(rejection);
    let (never_shown, rejection) = changed(1);
    nothing().at(1_000).when(never_shown).then_rejected(rejection);
}

fn placed_of_one(price: i64) -> OrderPlaced {
    OrderPlaced { lines: vec![line(1, price)], amount: Money::krw(price), ..placed_of(&new_id()) }
}
