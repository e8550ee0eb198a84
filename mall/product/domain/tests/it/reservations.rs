//! Reserving, releasing and committing what an order holds.

use bongsu_given::{GivenView, decision};
use product_domain::{
    commit_stock::{CommitReserved, CommitStock},
    events::{
        Line, ReservationClosed, ReservationCommitted, ReservationEvent, ReservationHeld, ReservationRejected,
        ReservationReleased, Shortage, StockCommitted, StockEvent, StockReceived, StockReleased, StockReserved,
    },
    release_stock::{Release, ReleaseStock},
    reservation::{Reservation, ReservationRejection},
    reserve_stock::{Reserve, ReserveStock},
    stock::Stock,
};

fn line(sku: &str, quantity: u64) -> Line {
    Line { sku: sku.into(), quantity }
}

fn reserve(lines: &[Line]) -> ReserveStock {
    ReserveStock { order: "o1".into(), lines: lines.to_vec() }
}

fn release() -> ReleaseStock {
    ReleaseStock { order: "o1".into() }
}

fn commit() -> CommitStock {
    CommitStock { order: "o1".into() }
}

fn received(quantity: u32) -> StockEvent {
    StockReceived { quantity }.into()
}

fn reserved(quantity: u64) -> StockEvent {
    StockReserved { order: "o1".into(), quantity }.into()
}

fn held(lines: &[Line]) -> ReservationEvent {
    ReservationHeld { lines: lines.to_vec() }.into()
}

fn rejected(sku: &str, asked: u64, available: u64) -> ReservationEvent {
    ReservationRejected { short: vec![Shortage { sku: sku.into(), asked, available }] }.into()
}

/// Order o1 holds 2 of 10 TVs.
fn holding<D: bongsu_core::Decision>(tested: &D) -> GivenView<'_, D> {
    decision(tested)
        .given::<Stock>("TV", [received(10), reserved(2)])
        .given::<Reservation>("o1", [held(&[line("TV", 2)])])
}

#[test]
fn an_order_holds_every_line_at_once() {
    decision(&Reserve)
        .given::<Stock>("TV", [received(10)])
        .given::<Stock>("MASK", [received(20)])
        .when(reserve(&[line("TV", 2), line("MASK", 1)]))
        .then::<Stock>("TV", [reserved(2)])
        .then::<Stock>("MASK", [reserved(1)])
        .then::<Reservation>("o1", [held(&[line("MASK", 1), line("TV", 2)])])
        .and_nothing_else();
}

#[test]
fn one_line_short_and_nothing_is_taken() {
    decision(&Reserve)
        .given::<Stock>("TV", [received(10)])
        .given::<Stock>("MASK", [received(20)])
        .when(reserve(&[line("MASK", 1), line("TV", 100)]))
        .then::<Reservation>("o1", [rejected("TV", 100, 10)])
        .and_nothing_else();
}

#[test]
fn the_last_piece_can_be_sold() {
    decision(&Reserve)
        .given::<Stock>("TV", [received(10)])
        .when(reserve(&[line("TV", 10)]))
        .then::<Stock>("TV", [reserved(10)])
        .then::<Reservation>("o1", [held(&[line("TV", 10)])])
        .and_nothing_else();
}

#[test]
fn what_another_order_holds_cannot_be_taken() {
    decision(&Reserve)
        .given::<Stock>("TV", [received(10), StockReserved { order: "o9".into(), quantity: 9 }.into()])
        .when(reserve(&[line("TV", 2)]))
        .then::<Reservation>("o1", [rejected("TV", 2, 1)])
        .and_nothing_else();
}

#[test]
fn two_lines_of_one_product_count_together() {
    let twice = [line("TV", 6), line("TV", 5)];
    decision(&Reserve)
        .given::<Stock>("TV", [received(10)])
        .when(reserve(&twice))
        .then::<Reservation>("o1", [rejected("TV", 11, 10)])
        .and_nothing_else();
    decision(&Reserve)
        .given::<Stock>("TV", [received(11)])
        .when(reserve(&twice))
        .then::<Stock>("TV", [reserved(11)])
        .then::<Reservation>("o1", [held(&[line("TV", 11)])])
        .and_nothing_else();
}

#[test]
fn quantities_beyond_all_numbers_are_simply_short() {
    decision(&Reserve)
        .given::<Stock>("TV", [received(10)])
        .when(reserve(&[line("TV", u64::MAX), line("TV", 2)]))
        .then::<Reservation>("o1", [rejected("TV", u64::MAX, 10)])
        .and_nothing_else();
}

#[test]
fn a_product_never_received_is_short() {
    decision(&Reserve)
        .when(reserve(&[line("TV", 1)]))
        .then::<Reservation>("o1", [rejected("TV", 1, 0)])
        .and_nothing_else();
}

#[test]
fn an_order_is_reserved_only_once() {
    holding(&Reserve).when(reserve(&[line("TV", 2)])).then_rejected(ReservationRejection::AlreadyHeld);
    decision(&Reserve)
        .given::<Stock>("TV", [received(10)])
        .given::<Reservation>("o1", [rejected("TV", 100, 10)])
        .when(reserve(&[line("TV", 2)]))
        .then_rejected(ReservationRejection::AlreadyRejected);
}

#[test]
fn an_order_that_ended_gives_back_exactly_what_it_holds() {
    holding(&Release)
        .given::<Stock>("MASK", [received(20)])
        .when(release())
        .then::<Stock>("TV", [StockReleased { order: "o1".into(), quantity: 2 }.into()])
        .then::<Reservation>("o1", [ReservationReleased { lines: vec![line("TV", 2)] }.into()])
        .and_nothing_else();
}

#[test]
fn an_order_that_took_nothing_gives_nothing_back() {
    decision(&Release)
        .given::<Stock>("TV", [received(10)])
        .given::<Reservation>("o1", [rejected("TV", 100, 10)])
        .when(release())
        .and_nothing_else();
}

#[test]
fn stock_is_given_back_only_once() {
    holding(&Release)
        .given::<Reservation>("o1", [ReservationReleased { lines: vec![line("TV", 2)] }.into()])
        .when(release())
        .and_nothing_else();
}

#[test]
fn an_end_heard_before_the_beginning_is_remembered() {
    decision(&Release).when(release()).then::<Reservation>("o1", [ReservationClosed {}.into()]).and_nothing_else();
}

#[test]
fn a_reserve_after_the_end_is_refused() {
    let ends: [ReservationEvent; 3] = [
        ReservationClosed {}.into(),
        ReservationReleased { lines: vec![] }.into(),
        ReservationCommitted { lines: vec![] }.into(),
    ];
    for end in ends {
        decision(&Reserve)
            .given::<Stock>("TV", [received(10)])
            .given::<Reservation>("o1", [end])
            .when(reserve(&[line("TV", 2)]))
            .then_rejected(ReservationRejection::OrderEnded);
    }
}

#[test]
fn a_completed_order_takes_its_goods_out_of_the_house() {
    holding(&CommitReserved)
        .when(commit())
        .then::<Stock>("TV", [StockCommitted { order: "o1".into(), quantity: 2 }.into()])
        .then::<Reservation>("o1", [ReservationCommitted { lines: vec![line("TV", 2)] }.into()])
        .and_nothing_else();
}

#[test]
fn only_what_is_held_can_leave() {
    let before: [Vec<ReservationEvent>; 3] = [vec![], vec![rejected("TV", 100, 10)], vec![ReservationClosed {}.into()]];
    for history in before {
        decision(&CommitReserved)
            .given::<Reservation>("o1", history)
            .when(commit())
            .then_rejected(ReservationRejection::NothingHeld);
    }
}

#[test]
fn what_has_left_neither_leaves_again_nor_comes_back() {
    let left = || ReservationCommitted { lines: vec![line("TV", 2)] }.into();
    holding(&CommitReserved)
        .given::<Reservation>("o1", [left()])
        .when(commit())
        .then_rejected(ReservationRejection::AlreadyCommitted);
    holding(&Release)
        .given::<Reservation>("o1", [left()])
        .when(release())
        .then_rejected(ReservationRejection::AlreadyCommitted);
}
