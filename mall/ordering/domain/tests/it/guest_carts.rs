//! The cart of whoever comes without a login: kept for a week, merged by a login.

use bongsu_core::Effect;
use bongsu_given::{
    ctx, decision, given, process,
    saga::{Ending, saga},
};
use ordering_domain::{
    abandon_cart::{AbandonCart, GUEST_MS},
    add_item::AddItem,
    cart::{CartRejection, Carts},
    cart_events::*,
    check_out::{CheckOut, CheckOuts, SeenCart},
    create_cart::CreateCart,
    events::{Method, OrderPlaced},
    guest_cart::{GuestCart, WEEK},
    ids::CartId,
    merge_carts::{MergeCarts, Merges},
    order::Orders,
    place_order::{MOST_LINES, MOST_PIECES},
};

use crate::orders::{WINDOW_MS, line, new_id, offer, placed_of, wanted};

const ANN: &str = "usr_ann";
const GUEST: &str = "vis_1";

fn id() -> CartId {
    ctx(0).id("crt", 0).into()
}

fn created(cart: &str, guest: Option<&str>) -> CartCreated {
    CartCreated { cart: cart.into(), at_ms: 0, guest: guest.map(Into::into) }
}

fn added(sku: &str, quantity: u32) -> CartEvent {
    ItemAdded { sku: sku.into(), quantity, at_ms: 0 }.into()
}

fn guests(items: impl IntoIterator<Item = CartEvent>) -> Vec<CartEvent> {
    [created("crt_g", Some(GUEST)).into()].into_iter().chain(items).collect()
}

fn merge() -> MergeCarts {
    MergeCarts { customer: ANN.into(), guest: GUEST.into() }
}

fn merged() -> CartEvent {
    CartMerged { cart: "crt_g".into(), at_ms: 0 }.into()
}

fn abandon() -> AbandonCart {
    AbandonCart { customer: GUEST.into(), cart: "crt_g".into() }
}

#[test]
fn a_visitors_cart_says_whose_it_is_and_a_customers_does_not() {
    let opened = |guest: Option<&str>| CartEvent::from(created(&id(), guest));
    given(&Carts, []).when(CreateCart { customer: GUEST.into() }).on(GUEST).then([opened(Some(GUEST))]);
    given(&Carts, []).when(CreateCart { customer: ANN.into() }).on(ANN).then([opened(None)]);
    let add = AddItem { customer: GUEST.into(), sku: "TV".into(), quantity: 1, offer: Some(offer(10_000)) };
    given(&Carts, []).when(add).on(GUEST).then([opened(Some(GUEST)), added("TV", 1)]);
}

#[test]
fn a_login_merges_what_was_in_it() {
    decision(&Merges)
        .given::<Carts>(ANN, [created("crt_a", None).into(), added("TV", 1)])
        .given::<Carts>(GUEST, guests([added("TV", 2), added("MASK", 3)]))
        .when(merge())
        .then::<Carts>(ANN, [added("TV", 2), added("MASK", 3)])
        .then::<Carts>(GUEST, [merged()])
        .and_nothing_else();
    decision(&Merges)
        .given::<Carts>(GUEST, guests([added("TV", 2)]))
        .when(merge())
        .then::<Carts>(ANN, [created(&id(), None).into(), added("TV", 2)])
        .then::<Carts>(GUEST, [merged()])
        .and_nothing_else();
}

#[test]
fn it_is_merged_once() {
    let again = guests([added("TV", 2), merged()]);
    decision(&Merges).given::<Carts>(GUEST, again).when(merge()).and_nothing_else();
    decision(&Merges).when(merge()).and_nothing_else();
    let emptied = guests([added("TV", 2), ItemRemoved { sku: "TV".into(), at_ms: 0 }.into()]);
    decision(&Merges).given::<Carts>(GUEST, emptied).when(merge()).then::<Carts>(GUEST, [merged()]).and_nothing_else();
}

#[test]
fn a_merged_cart_keeps_its_limits() {
    let number = |number: usize| format!("P{number}");
    let full = (0..MOST_LINES - 1).map(|at| added(&number(at), 1)).chain([added("TV", MOST_PIECES - 1)]);
    let full: Vec<CartEvent> = [created("crt_a", None).into()].into_iter().chain(full).collect();
    decision(&Merges)
        .given::<Carts>(ANN, full)
        .given::<Carts>(GUEST, guests([added("TV", 5), added("NEW", 1), added("P0", 2)]))
        .when(merge())
        .then::<Carts>(ANN, [added("TV", 1), added("P0", 2)])
        .then::<Carts>(GUEST, [merged()])
        .and_nothing_else();
}

#[test]
fn nobody_merges_another_customers_cart_and_no_visitor_takes_one() {
    for (customer, guest) in [(ANN, "usr_ben"), (GUEST, "vis_2"), (GUEST, ANN), (ANN, ANN)] {
        let merge = MergeCarts { customer: customer.into(), guest: guest.into() };
        decision(&Merges)
            .given::<Carts>(guest, [created("crt_b", None).into(), added("TV", 1)])
            .when(merge)
            .then_rejected(CartRejection::NotAGuests);
    }
}

#[test]
fn a_visitors_cart_is_given_up_after_a_week_without_him() {
    let used = |at_ms: i64| guests([ItemAdded { sku: "TV".into(), quantity: 1, at_ms }.into()]);
    let gone = |at_ms: i64| CartEvent::from(CartAbandoned { cart: "crt_g".into(), at_ms });
    given(&Carts, used(5)).at(GUEST_MS + 5).when(abandon()).on(GUEST).then([gone(GUEST_MS + 5)]);
    let until_ms = GUEST_MS + 5;
    given(&Carts, used(5)).at(GUEST_MS + 4).when(abandon()).then_rejected(CartRejection::StillUsed { until_ms });
    let ended = guests([merged()]);
    given(&Carts, ended).at(i64::MAX).when(abandon()).then_rejected(CartRejection::NoCart);
    let another = guests([merged(), created("crt_h", Some(GUEST)).into()]);
    given(&Carts, another).at(i64::MAX).when(abandon()).then_rejected(CartRejection::NoCart);
    let customers = AbandonCart { customer: ANN.into(), cart: "crt_a".into() };
    given(&Carts, [created("crt_a", None).into()])
        .at(i64::MAX)
        .when(customers)
        .then_rejected(CartRejection::NotAGuests);
}

#[test]
fn the_week_begins_anew_whenever_the_cart_is_used() {
    process(&GuestCart)
        .hears(created("crt_g", Some(GUEST)))
        .then([Effect::Wake { name: WEEK, at_ms: GUEST_MS }])
        .wakes(WEEK)
        .then([Effect::Send(abandon())])
        .refused(&CartRejection::StillUsed { until_ms: 2 * GUEST_MS })
        .then([Effect::Wake { name: WEEK, at_ms: 2 * GUEST_MS }])
        .wakes(WEEK)
        .hears(CartAbandoned { cart: "crt_g".into(), at_ms: 2 * GUEST_MS })
        .then([Effect::CancelWake(WEEK), Effect::Done])
        .hears(CartMerged { cart: "crt_g".into(), at_ms: 2 * GUEST_MS })
        .then([]);
}

#[test]
fn a_guests_cart_ends_whatever_is_said_refused_repeated_or_late() {
    let survived = saga(&GuestCart, &Carts, guests([added("TV", 1)]), CartRejection::NoCart)
        .hears([vec![CartMerged { cart: "crt_g".into(), at_ms: 1 }.into()], vec![]])
        .goes_every_way();
    assert_eq!(survived.endings.keys().copied().collect::<Vec<_>>(), [Ending::Done], "{survived:?}");
    assert!(survived.ways > 3 && survived.woken > 0, "{survived:?}");
}

#[test]
fn the_cart_that_was_seen_becomes_an_order_once_and_no_other_does() {
    let check_outs = CheckOuts { window_ms: WINDOW_MS };
    let check_out = |cart: &str, is_current: bool| CheckOut {
        customer: ANN.into(),
        lines: vec![wanted(2, Some(offer(10_000)))],
        address: "Seoul".into(),
        method: Method::Card,
        seen: Some(SeenCart { cart: cart.into(), is_current }),
    };
    let there = || vec![CartEvent::from(created("crt_a", None)), added("TV", 2)];
    let placed = OrderPlaced { customer: ANN.into(), lines: vec![line(2, 10_000)], ..placed_of(&new_id()) };
    decision(&check_outs)
        .given::<Carts>(ANN, there())
        .when(check_out("crt_a", true))
        .then::<Carts>(ANN, [CartCheckedOut { cart: "crt_a".into(), order: new_id(), at_ms: 0 }.into()])
        .then::<Orders>(&new_id(), [placed.into()])
        .and_nothing_else();
    let rejected = |events: Vec<CartEvent>, check_out: CheckOut, why: CartRejection| {
        decision(&check_outs).given::<Carts>(ANN, events).when(check_out).then_rejected(why);
    };
    rejected(there(), check_out("crt_a", false), CartRejection::Changed);
    rejected(there(), check_out("crt_b", true), CartRejection::Changed);
    rejected(vec![], check_out("crt_a", true), CartRejection::Changed);
    let out = CartEvent::from(CartCheckedOut { cart: "crt_a".into(), order: "ord_1".into(), at_ms: 0 });
    let gone: Vec<CartEvent> = there().into_iter().chain([out]).collect();
    rejected(gone.clone(), check_out("crt_a", false), CartRejection::CheckedOut { order: "ord_1".into() });
    let next: Vec<CartEvent> = gone.into_iter().chain([created("crt_b", None).into(), added("TV", 2)]).collect();
    rejected(next, check_out("crt_a", true), CartRejection::CheckedOut { order: "ord_1".into() });
}
