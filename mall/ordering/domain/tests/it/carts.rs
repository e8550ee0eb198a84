//! What can be done with a cart, and how it becomes an order.

use bongsu_given::{Given, ctx, decision, given};
use ordering_domain::{
    add_item::AddItem,
    cart::{CartRejection, Carts, SeenLine},
    cart_events::*,
    change_quantity::ChangeQuantity,
    check_out::{CheckOut, CheckOuts},
    create_cart::CreateCart,
    events::{Method, OrderPlaced},
    ids::CartId,
    order::{OrderRejection, Orders},
    place_order::{MOST_LINES, MOST_PIECES, WantedLine},
    price_list::Offer,
    remove_item::RemoveItem,
};

use crate::orders::{WINDOW_MS, line, new_id, offer, placed_of, wanted};

const ANN: &str = "ann";

fn cart_id() -> CartId {
    ctx(0).id("crt", 0).into()
}

fn created() -> CartEvent {
    CartCreated { cart: cart_id(), at_ms: 0, guest: None }.into()
}

fn added(sku: &str, quantity: u32) -> CartEvent {
    ItemAdded { sku: sku.into(), quantity, at_ms: 0 }.into()
}

fn add(sku: &str, quantity: u32) -> AddItem {
    AddItem { customer: ANN.into(), sku: sku.into(), quantity, offer: Some(offer(10_000)) }
}

fn change(sku: &str, quantity: u32) -> ChangeQuantity {
    ChangeQuantity { customer: ANN.into(), sku: sku.into(), quantity, seen: None }
}

fn remove(sku: &str) -> RemoveItem {
    RemoveItem { customer: ANN.into(), sku: sku.into(), seen: None }
}

fn checked_out() -> CartEvent {
    CartCheckedOut { cart: cart_id(), order: new_id(), at_ms: 0 }.into()
}

fn cart(events: impl Into<Vec<CartEvent>>) -> Given<'static, Carts> {
    given(&Carts, events)
}

#[test]
fn a_customer_has_one_cart_at_a_time() {
    let create = || CreateCart { customer: ANN.into() };
    cart([]).when(create()).on(ANN).then([created()]);
    cart([created()]).when(create()).then_rejected(CartRejection::AlreadyOpen);
    cart([created(), added("TV", 1), checked_out()]).when(create()).then([created()]);
}

#[test]
fn what_is_put_in_adds_up_and_the_first_item_takes_a_cart() {
    cart([]).when(add("TV", 2)).on(ANN).then([created(), added("TV", 2)]);
    cart([created()]).when(add("TV", 2)).then([added("TV", 2)]);
    let both = cart([created(), added("TV", 2), added("TV", 3)]);
    assert_eq!(both.state().pieces(&"TV".into()), Some(5));
    cart([created(), added("TV", 1), checked_out()]).when(add("TV", 2)).then([created(), added("TV", 2)]);
}

#[test]
fn a_line_is_changed_only_as_it_was_seen() {
    let there = || cart([created(), added("TV", 2)]);
    let seen = |cart: &str, quantity| Some(SeenLine { cart: cart.into(), quantity });
    let change = |seen| ChangeQuantity { seen, ..change("TV", 5) };
    let remove = |seen| RemoveItem { seen, ..remove("TV") };
    let changed = || CartEvent::from(QuantityChanged { sku: "TV".into(), quantity: 5, at_ms: 0 });
    there().when(change(seen(&cart_id(), 2))).then([changed()]);
    there().when(remove(seen(&cart_id(), 2))).then([ItemRemoved { sku: "TV".into(), at_ms: 0 }.into()]);
    let moved = || CartRejection::Moved { sku: "TV".into() };
    for other in [seen(&cart_id(), 1), seen("another cart", 2)] {
        there().when(change(other.clone())).then_rejected(moved());
        there().when(remove(other)).then_rejected(moved());
    }
    cart([created(), added("TV", 2), changed()]).when(change(seen(&cart_id(), 2))).then([]);
}

#[test]
fn a_quantity_is_between_one_and_what_an_order_holds() {
    let too_many = CartRejection::Quantity { most: MOST_PIECES };
    for quantity in [0, MOST_PIECES + 1, u32::MAX] {
        cart([]).when(add("TV", quantity)).then_rejected(too_many.clone());
        cart([created(), added("TV", 1)]).when(change("TV", quantity)).then_rejected(too_many.clone());
    }
    let full = || cart([created(), added("TV", MOST_PIECES)]);
    full().when(add("TV", 1)).then_rejected(too_many.clone());
    full().when(add("TV", MOST_PIECES)).then_rejected(too_many);
    full().when(add("MASK", 1)).then([added("MASK", 1)]);
}

#[test]
fn only_what_is_sold_can_be_put_in() {
    let unknown = AddItem { offer: None, ..add("SHIP", 1) };
    cart([]).when(unknown).then_rejected(CartRejection::UnknownProduct { sku: "SHIP".into() });
    let retired = AddItem { offer: Some(Offer { retired: true, ..offer(1) }), ..add("TV", 1) };
    cart([]).when(retired).then_rejected(CartRejection::NotSold { sku: "TV".into() });
}

#[test]
fn a_cart_holds_as_many_lines_as_an_order() {
    let lines = (0..MOST_LINES).map(|number| added(&format!("S{number}"), 1));
    let full: Vec<_> = std::iter::once(created()).chain(lines).collect();
    cart(full.clone()).when(add("TV", 1)).then_rejected(CartRejection::Full { most: MOST_LINES });
    cart(full).when(add("S0", 1)).then([added("S0", 1)]);
}

#[test]
fn a_line_is_changed_and_removed() {
    let two = || cart([created(), added("TV", 2), added("MASK", 1)]);
    two().when(change("TV", 5)).then([QuantityChanged { sku: "TV".into(), quantity: 5, at_ms: 0 }.into()]);
    two().when(change("TV", 2)).then([]);
    two().when(remove("TV")).then([ItemRemoved { sku: "TV".into(), at_ms: 0 }.into()]);
    let ship = || CartRejection::NotInCart { sku: "SHIP".into() };
    two().when(change("SHIP", 1)).then_rejected(ship());
    two().when(remove("SHIP")).then_rejected(ship());
    for gone in [vec![], vec![created(), added("TV", 2), checked_out()]] {
        cart(gone.clone()).when(change("TV", 1)).then_rejected(CartRejection::NoCart);
        cart(gone).when(remove("TV")).then_rejected(CartRejection::NoCart);
    }
}

const CHECK_OUTS: CheckOuts = CheckOuts { window_ms: WINDOW_MS };

fn check_out(lines: Vec<WantedLine>) -> CheckOut {
    CheckOut { customer: ANN.into(), lines, address: "Seoul".into(), method: Method::Card, seen: None }
}

#[test]
fn a_checked_out_cart_is_an_order_and_gone() {
    decision(&CHECK_OUTS)
        .given::<Carts>(ANN, [created(), added("TV", 2)])
        .when(check_out(vec![wanted(2, Some(offer(10_000)))]))
        .then::<Carts>(ANN, [checked_out()])
        .then::<Orders>(&new_id(), [OrderPlaced { lines: vec![line(2, 10_000)], ..placed_of(&new_id()) }.into()])
        .and_nothing_else();
}

#[test]
fn an_empty_cart_or_none_is_not_checked_out() {
    let refused = |events: Vec<CartEvent>, why| {
        decision(&CHECK_OUTS).given::<Carts>(ANN, events).when(check_out(vec![])).then_rejected(why);
    };
    refused(vec![], CartRejection::NoCart);
    refused(vec![created()], CartRejection::Empty);
    let emptied = ItemRemoved { sku: "TV".into(), at_ms: 0 }.into();
    refused(vec![created(), added("TV", 2), emptied], CartRejection::Empty);
    refused(vec![created(), added("TV", 2), checked_out()], CartRejection::NoCart);
}

#[test]
fn a_cart_that_changed_since_its_prices_were_looked_up_is_not_checked_out() {
    let tv = |quantity| wanted(quantity, Some(offer(10_000)));
    let mask = WantedLine { sku: "MASK".into(), ..tv(1) };
    for seen in [vec![], vec![tv(1)], vec![tv(2), mask.clone()], vec![mask]] {
        decision(&CHECK_OUTS)
            .given::<Carts>(ANN, [created(), added("TV", 2)])
            .when(check_out(seen))
            .then_rejected(CartRejection::Changed);
    }
}

#[test]
fn what_no_order_may_be_is_not_checked_out_and_the_cart_stays() {
    let cart = || decision(&CHECK_OUTS).given::<Carts>(ANN, [created(), added("TV", 2)]);
    let retired = Offer { retired: true, ..offer(10_000) };
    let not_sold = OrderRejection::NotSold { line: 0, sku: "TV".into() };
    cart().when(check_out(vec![wanted(2, Some(retired))])).then_rejected(not_sold);
    let unknown = OrderRejection::UnknownProduct { line: 0, sku: "TV".into() };
    cart().when(check_out(vec![wanted(2, None)])).then_rejected(unknown);
    let nowhere = CheckOut { address: " ".into(), ..check_out(vec![wanted(2, Some(offer(10_000)))]) };
    cart().when(nowhere).then_rejected(OrderRejection::Address { longest: 300 });
}
