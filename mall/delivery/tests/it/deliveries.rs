//! What may happen to a parcel: every phase meets every command.

use bongsu_testing::given::{given, policy};
use delivery::{
    CancellationRequested, OrderConfirmed,
    delivery::{DeliveryRejection as Rejection, *},
    follow_orders,
};

/// Now.
const AT_MS: i64 = 1;

fn id() -> OrderId {
    "o1".into()
}

fn items() -> Vec<Item> {
    vec![Item { sku: "TV".into(), name: "TV".into(), quantity: 2 }]
}

fn prepare() -> DeliveryCommand {
    PrepareDelivery { order: id(), customer: Some("ann".into()), address: "Seoul".into(), items: items() }.into()
}

fn depart() -> DeliveryCommand {
    Depart { order: id() }.into()
}

fn complete() -> DeliveryCommand {
    CompleteDelivery { order: id() }.into()
}

fn fail() -> DeliveryCommand {
    FailDelivery { order: id(), why: "lost".into() }.into()
}

fn cancel() -> DeliveryCommand {
    CancelDelivery { order: id() }.into()
}

fn prepared() -> DeliveryEvent {
    let customer = Some("ann".into());
    DeliveryPrepared { order: id(), customer, address: "Seoul".into(), items: items(), at_ms: AT_MS }.into()
}

fn departed() -> DeliveryEvent {
    DeliveryDeparted { order: id(), at_ms: AT_MS }.into()
}

fn completed() -> DeliveryEvent {
    DeliveryCompleted { order: id(), at_ms: AT_MS }.into()
}

fn failed() -> DeliveryEvent {
    DeliveryFailed { order: id(), why: "lost".into(), at_ms: AT_MS }.into()
}

fn cancelled() -> DeliveryEvent {
    DeliveryCancelled { order: id(), at_ms: AT_MS }.into()
}

#[test]
fn a_confirmed_order_is_packed_once() {
    given(&Deliveries, []).at(AT_MS).when(prepare()).on("o1").then([prepared()]);
    given(&Deliveries, [prepared()]).at(AT_MS).when(prepare()).then_rejected(Rejection::AlreadyPrepared);
}

#[test]
fn a_packed_parcel_departs_and_then_arrives() {
    given(&Deliveries, [prepared()]).at(AT_MS).when(depart()).on("o1").then([departed()]);
    given(&Deliveries, [prepared(), departed()]).at(AT_MS).when(complete()).on("o1").then([completed()]);
    given(&Deliveries, [prepared()]).at(AT_MS).when(complete()).then_rejected(Rejection::NotDeparted);
    given(&Deliveries, [prepared(), departed()]).at(AT_MS).when(depart()).then_rejected(Rejection::AlreadyDeparted);
}

#[test]
fn a_parcel_can_fail_packed_or_on_its_way_for_a_reason_that_fits_a_line() {
    given(&Deliveries, [prepared()]).at(AT_MS).when(fail()).on("o1").then([failed()]);
    given(&Deliveries, [prepared(), departed()]).at(AT_MS).when(fail()).then([failed()]);
    for why in ["", " ", "a\nb", &"x".repeat(201)] {
        let fail = FailDelivery { order: id(), why: why.into() };
        given(&Deliveries, [prepared()]).at(AT_MS).when(fail).then_rejected(Rejection::Why { longest: 200 });
    }
}

#[test]
fn a_parcel_is_called_back_until_it_departs_and_before_it_was_packed() {
    given(&Deliveries, [prepared()]).at(AT_MS).when(cancel()).on("o1").then([cancelled()]);
    given(&Deliveries, [prepared(), departed()]).at(AT_MS).when(cancel()).then_rejected(Rejection::AlreadyDeparted);
    given(&Deliveries, []).at(AT_MS).when(cancel()).then([cancelled()]);
    given(&Deliveries, [cancelled()]).at(AT_MS).when(prepare()).then_rejected(Rejection::AlreadyCancelled);
}

#[test]
fn what_was_never_packed_was_called_back_or_has_ended_does_not_move() {
    let does_not = |history: &[DeliveryEvent], commands: &[DeliveryCommand], why: Rejection| {
        for command in commands {
            given(&Deliveries, history).at(AT_MS).when(command.clone()).then_rejected(why.clone());
        }
    };
    let moves = [depart(), complete(), fail()];
    does_not(&[], &moves, Rejection::NoSuchDelivery);
    for history in [vec![cancelled()], vec![prepared(), cancelled()]] {
        does_not(&history, &[&moves[..], &[prepare(), cancel()]].concat(), Rejection::AlreadyCancelled);
    }
    for end in [completed(), failed()] {
        does_not(&[prepared(), departed(), end], &[&moves[..], &[cancel()]].concat(), Rejection::AlreadyEnded);
    }
}

#[test]
fn a_confirmed_order_is_packed_and_one_the_customer_wants_back_is_kept_back() {
    let confirmed = OrderConfirmed { order: id(), customer: "ann".into(), lines: items(), address: "Seoul".into() };
    policy(follow_orders, confirmed).then([prepare()]);
    policy(follow_orders, CancellationRequested { order: id() }).then([cancel()]);
}
