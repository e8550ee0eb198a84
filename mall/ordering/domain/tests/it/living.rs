//! What happens to an order after it was placed; every phase meets every command.

use bongsu_given::given;
use ordering_domain::{
    cancel_order::CancelOrder,
    cancel_undelivered::CancelUndelivered,
    complete_order::CompleteOrder,
    confirm_order::ConfirmOrder,
    events::{CancelledWhy, OrderEvent, RejectedWhy},
    ids::OrderId,
    order::{OrderCommand, OrderRejection},
    refuse_cancellation::RefuseCancellation,
    reject_order::RejectOrder,
};

use crate::orders::*;

fn id() -> OrderId {
    "o1".into()
}

fn confirm() -> OrderCommand {
    ConfirmOrder { order: id() }.into()
}

fn reject() -> OrderCommand {
    RejectOrder { order: id(), why: RejectedWhy::OutOfStock, short: vec![] }.into()
}

fn cancel() -> OrderCommand {
    CancelOrder { order: id(), customer: "ann".into() }.into()
}

fn refuse() -> OrderCommand {
    RefuseCancellation { order: id() }.into()
}

fn give_up() -> OrderCommand {
    CancelUndelivered { order: id(), why: CancelledWhy::DeliveryFailed }.into()
}

fn complete() -> OrderCommand {
    CompleteOrder { order: id() }.into()
}

fn pending() -> Vec<OrderEvent> {
    vec![placed().into()]
}

fn then(mut before: Vec<OrderEvent>, event: impl Into<OrderEvent>) -> Vec<OrderEvent> {
    before.push(event.into());
    before
}

fn standing() -> Vec<OrderEvent> {
    then(pending(), confirmed())
}

fn cancelling() -> Vec<OrderEvent> {
    then(standing(), requested())
}

fn on_its_way() -> Vec<OrderEvent> {
    then(cancelling(), refused())
}

fn ends() -> [Vec<OrderEvent>; 4] {
    [
        then(pending(), rejected(RejectedWhy::Deadline)),
        then(pending(), cancelled(CancelledWhy::Customer)),
        then(standing(), cancelled(CancelledWhy::DeliveryFailed)),
        then(standing(), completed()),
    ]
}

#[test]
fn a_pending_order_is_confirmed_or_rejected() {
    given(&orders(), pending()).when(confirm()).on("o1").then([confirmed().into()]);
    given(&orders(), pending()).when(reject()).on("o1").then([rejected(RejectedWhy::OutOfStock).into()]);
}

#[test]
fn a_confirmed_order_is_never_rejected() {
    for history in [standing(), cancelling(), on_its_way()] {
        given(&orders(), history.clone()).when(reject()).then_rejected(OrderRejection::NotPending);
        given(&orders(), history).when(confirm()).then_rejected(OrderRejection::NotPending);
    }
}

#[test]
fn a_pending_order_is_cancelled_at_once() {
    given(&orders(), pending()).when(cancel()).on("o1").then([cancelled(CancelledWhy::Customer).into()]);
}

#[test]
fn a_confirmed_order_is_only_asked_back() {
    given(&orders(), standing()).when(cancel()).then([requested().into()]);
}

#[test]
fn an_order_is_asked_back_once() {
    given(&orders(), cancelling()).when(cancel()).then_rejected(OrderRejection::CancellationPending);
    given(&orders(), on_its_way()).when(cancel()).then_rejected(OrderRejection::OnItsWay);
}

#[test]
fn only_the_owner_cancels_and_nobody_else_learns_of_the_order() {
    let bob = || CancelOrder { order: id(), customer: "bob".into() };
    given(&orders(), pending()).when(bob()).then_rejected(OrderRejection::NoSuchOrder);
    given(&orders(), standing()).when(bob()).then_rejected(OrderRejection::NoSuchOrder);
}

#[test]
fn a_requested_cancellation_is_refused_once() {
    given(&orders(), cancelling()).when(refuse()).on("o1").then([refused().into()]);
    given(&orders(), on_its_way()).when(refuse()).then_rejected(OrderRejection::NoCancellation);
    given(&orders(), standing()).when(refuse()).then_rejected(OrderRejection::NoCancellation);
}

#[test]
fn an_order_delivery_gave_up_is_cancelled() {
    for history in [standing(), cancelling(), on_its_way()] {
        given(&orders(), history).when(give_up()).on("o1").then([cancelled(CancelledWhy::DeliveryFailed).into()]);
    }
    given(&orders(), pending()).when(give_up()).then_rejected(OrderRejection::NotConfirmed);
}

#[test]
fn a_delivered_order_is_complete() {
    given(&orders(), standing()).when(complete()).on("o1").then([completed().into()]);
    given(&orders(), on_its_way()).when(complete()).then([completed().into()]);
    given(&orders(), pending()).when(complete()).then_rejected(OrderRejection::NotConfirmed);
}

#[test]
fn a_wish_nobody_answered_is_refused_by_the_delivery_itself() {
    given(&orders(), cancelling()).when(complete()).then([refused().into(), completed().into()]);
}

#[test]
fn an_ended_order_stays_as_it_ended() {
    for end in ends() {
        let asked = |command, rejection| given(&orders(), end.clone()).when(command).then_rejected(rejection);
        asked(confirm(), OrderRejection::NotPending);
        asked(reject(), OrderRejection::NotPending);
        asked(cancel(), OrderRejection::AlreadyEnded);
        asked(refuse(), OrderRejection::NotConfirmed);
        asked(give_up(), OrderRejection::AlreadyEnded);
        asked(complete(), OrderRejection::AlreadyEnded);
    }
}

#[test]
fn nothing_is_asked_of_an_order_that_is_not_there() {
    for command in [confirm(), reject(), cancel(), refuse(), give_up(), complete()] {
        given(&orders(), []).when(command).then_rejected(OrderRejection::NoSuchOrder);
    }
}
