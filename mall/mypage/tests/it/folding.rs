//! Every ending of an order, folded over every interleaving of what the contexts say.

use bongsu_testing::given::rows;
use money::Money;
use mypage::{
    heard::*,
    order_history::{OrderHistory, Row},
};

fn o() -> OrderId {
    "o1".into()
}

fn placed() -> OrderFact {
    let line = Line { sku: "TV".into(), name: "TV".into(), quantity: 2, price: Money::krw(10_000) };
    let (lines, amount) = (vec![line], Money::krw(20_000));
    OrderPlaced { order: o(), customer: "ann".into(), lines, amount, placed_at_ms: 7 }.into()
}

fn confirmed() -> OrderFact {
    OrderConfirmed { order: o() }.into()
}

fn rejected(why: &str) -> OrderFact {
    OrderRejected { order: o(), why: why.into() }.into()
}

fn cancelled(why: &str) -> OrderFact {
    OrderCancelled { order: o(), why: why.into() }.into()
}

fn requested() -> OrderFact {
    CancellationRequested { order: o() }.into()
}

fn reserved() -> OrderFact {
    StockReserved { order: o() }.into()
}

fn released() -> OrderFact {
    StockReleased { order: o() }.into()
}

fn captured() -> OrderFact {
    PaymentCaptured { order: o() }.into()
}

fn refunded() -> OrderFact {
    PaymentRefunded { order: o() }.into()
}

fn prepared() -> OrderFact {
    DeliveryPrepared { order: o() }.into()
}

fn departed() -> OrderFact {
    DeliveryDeparted { order: o() }.into()
}

/// The one row every interleaving ends in: status code and Korean label.
fn shown(contexts: &[Vec<OrderFact>]) -> (&'static str, &'static str) {
    let status = row(contexts).status();
    (status.code, status.ko)
}

fn row(contexts: &[Vec<OrderFact>]) -> Row {
    rows::<OrderHistory>(contexts)["o1"].clone()
}

#[test]
fn a_delivered_order_ends_delivered() {
    let contexts = [
        vec![placed(), confirmed(), OrderCompleted { order: o() }.into()],
        vec![reserved(), StockCommitted { order: o() }.into()],
        vec![captured()],
        vec![prepared(), departed(), DeliveryCompleted { order: o() }.into()],
    ];
    assert_eq!(shown(&contexts), ("delivered", "배송 완료"));
}

#[test]
fn an_order_on_its_way_says_so_step_by_step() {
    let order = vec![placed(), confirmed()];
    let step = |delivery: Vec<OrderFact>| shown(&[order.clone(), vec![reserved()], vec![captured()], delivery]);
    assert_eq!(step(vec![]), ("preparing", "배송 준비 중"));
    assert_eq!(step(vec![prepared()]), ("preparing", "배송 준비 중"));
    assert_eq!(step(vec![prepared(), departed()]), ("on-its-way", "배송 시작"));
    assert_eq!(shown(&[vec![placed()], vec![reserved()], vec![captured()]]), ("pending", "주문 접수"));
}

#[test]
fn a_rejected_order_says_why_whatever_the_others_say_late() {
    let out_of_stock = [vec![placed(), rejected("out-of-stock")], vec![StockRejected { order: o() }.into()]];
    assert_eq!((shown(&out_of_stock).0, row(&out_of_stock).why.as_deref()), ("rejected", Some("out-of-stock")));
    let declined = [
        vec![placed(), rejected("payment-declined")],
        vec![reserved(), released()],
        vec![PaymentDeclined { order: o() }.into()],
    ];
    assert_eq!(shown(&declined).0, "rejected");
    let late_capture =
        [vec![placed(), rejected("deadline")], vec![reserved(), released()], vec![captured(), refunded()]];
    assert_eq!(shown(&late_capture).0, "rejected");
}

#[test]
fn an_order_cancelled_early_ends_cancelled() {
    let contexts = [vec![placed(), cancelled("customer")], vec![reserved(), released()], vec![captured(), refunded()]];
    assert_eq!(shown(&contexts), ("cancelled", "주문 취소"));
}

#[test]
fn an_order_given_back_in_time_ends_cancelled() {
    let contexts = [
        vec![placed(), confirmed(), requested(), cancelled("customer")],
        vec![reserved(), released()],
        vec![captured(), refunded()],
        vec![prepared(), DeliveryCancelled { order: o() }.into()],
    ];
    assert_eq!(shown(&contexts), ("cancelled", "주문 취소"));
}

#[test]
fn a_wish_nobody_has_answered_stays_visible() {
    let contexts = [vec![placed(), confirmed(), requested()], vec![reserved()], vec![captured()], vec![prepared()]];
    assert_eq!(shown(&contexts), ("cancelling", "주문 취소 요청됨"));
}

#[test]
fn an_order_that_was_on_its_way_arrives_all_the_same() {
    let refused = CancellationRefused { order: o() }.into();
    let contexts = [
        vec![placed(), confirmed(), requested(), refused, OrderCompleted { order: o() }.into()],
        vec![reserved()],
        vec![prepared(), departed(), DeliveryCompleted { order: o() }.into()],
    ];
    assert_eq!(shown(&contexts), ("delivered", "배송 완료"));
}

#[test]
fn a_failed_delivery_ends_cancelled_and_never_turns_back() {
    let contexts = [
        vec![placed(), confirmed(), cancelled("delivery-failed")],
        vec![reserved(), released()],
        vec![captured(), refunded()],
        vec![prepared(), departed(), DeliveryFailed { order: o() }.into()],
    ];
    assert_eq!(shown(&contexts), ("cancelled", "주문 취소"));
}
