//! Words the other tests use.

use money::Money;
use ordering_domain::{
    events::*,
    heard::*,
    ids::OrderId,
    order::Orders,
    place_order::{PlaceOrder, WantedLine},
    price_list::Offer,
};

pub(crate) const WINDOW_MS: i64 = 30_000;

pub(crate) fn orders() -> Orders {
    Orders { window_ms: WINDOW_MS }
}

/// The id the test's command makes.
pub(crate) fn new_id() -> OrderId {
    bongsu_given::ctx(0).id("ord", 0).into()
}

pub(crate) fn offer(price: i64) -> Offer {
    Offer { name: "TV".into(), price: Money::krw(price), past: vec![], retired: false }
}

pub(crate) fn wanted(quantity: u32, offer: Option<Offer>) -> WantedLine {
    WantedLine { sku: "TV".into(), quantity, seen_minor: None, offer }
}

pub(crate) fn place(lines: Vec<WantedLine>) -> PlaceOrder {
    PlaceOrder { customer: "ann".into(), lines, address: "Seoul".into(), method: Method::Card }
}

pub(crate) fn line(quantity: u32, price: i64) -> OrderLine {
    OrderLine { sku: "TV".into(), name: "TV".into(), quantity, price: Money::krw(price) }
}

pub(crate) fn placed_of(order: &str) -> OrderPlaced {
    OrderPlaced {
        order: order.into(),
        customer: "ann".into(),
        lines: vec![line(2, 10_000)],
        amount: Money::krw(20_000),
        method: Method::Card,
        address: "Seoul".into(),
        placed_at_ms: 0,
        expires_at_ms: WINDOW_MS,
    }
}

pub(crate) fn placed() -> OrderPlaced {
    placed_of("o1")
}

pub(crate) fn confirmed() -> OrderConfirmed {
    OrderConfirmed { order: "o1".into(), at_ms: 0 }
}

pub(crate) fn rejected(why: RejectedWhy) -> OrderRejected {
    OrderRejected { order: "o1".into(), why, short: vec![], at_ms: 0 }
}

pub(crate) fn cancelled(why: CancelledWhy) -> OrderCancelled {
    OrderCancelled { order: "o1".into(), why, at_ms: 0 }
}

pub(crate) fn requested() -> CancellationRequested {
    CancellationRequested { order: "o1".into(), at_ms: 0 }
}

pub(crate) fn refused() -> CancellationRefused {
    CancellationRefused { order: "o1".into(), at_ms: 0 }
}

pub(crate) fn completed() -> OrderCompleted {
    OrderCompleted { order: "o1".into(), at_ms: 0 }
}

pub(crate) fn shortage() -> Shortage {
    Shortage { sku: "TV".into(), asked: 100, available: 10 }
}

pub(crate) fn stock_reserved() -> StockReserved {
    StockReserved { order: "o1".into() }
}

pub(crate) fn stock_rejected() -> StockRejected {
    StockRejected { order: "o1".into(), short: vec![shortage()] }
}

pub(crate) fn captured() -> PaymentCaptured {
    PaymentCaptured { order: "o1".into() }
}

pub(crate) fn declined() -> PaymentDeclined {
    PaymentDeclined { order: "o1".into() }
}

pub(crate) fn departed() -> DeliveryDeparted {
    DeliveryDeparted { order: "o1".into() }
}

pub(crate) fn delivered() -> DeliveryCompleted {
    DeliveryCompleted { order: "o1".into() }
}

pub(crate) fn failed() -> DeliveryFailed {
    DeliveryFailed { order: "o1".into() }
}

pub(crate) fn delivery_cancelled() -> DeliveryCancelled {
    DeliveryCancelled { order: "o1".into() }
}
