//! What the ordering context tells the others, keyed by order.

use bongsu_core::{Public, message};
use money::Money;
use ordering_domain::{
    events::{CancelledWhy, Method, OrderEvent, OrderLine, RejectedWhy, Shortage},
    ids::{CustomerId, OrderId},
    order::OrderState,
};

/// A customer ordered (가주문됨): PENDING.
#[message("ordering.order-placed", version = 1, key = order)]
pub struct OrderPlaced {
    /// Which order.
    pub order: OrderId,
    /// Whose.
    pub customer: CustomerId,
    /// At least one.
    pub lines: Vec<OrderLine>,
    /// Sum of the lines.
    pub amount: Money,
    /// How it is paid.
    pub method: Method,
    /// Where it goes, sealed: `GET /orders/{id}/address` says what it is, as long as its customer is not forgotten.
    pub address: String,
    /// When, milliseconds since the Unix epoch.
    pub placed_at_ms: i64,
    /// Rejected unless confirmed by then.
    pub expires_at_ms: i64,
}

/// Stock is held and money is taken (최종 주문 완료됨).
#[message("ordering.order-confirmed", version = 1, key = order)]
pub struct OrderConfirmed {
    /// Which order.
    pub order: OrderId,
    /// Whose.
    pub customer: CustomerId,
    /// At least one.
    pub lines: Vec<OrderLine>,
    /// Sum of the lines.
    pub amount: Money,
    /// Where it goes, sealed: `GET /orders/{id}/address` says what it is, as long as its customer is not forgotten.
    pub address: String,
    /// When.
    pub at_ms: i64,
}

/// It ended before it was confirmed.
#[message("ordering.order-rejected", version = 1, key = order)]
pub struct OrderRejected {
    /// Which order.
    pub order: OrderId,
    /// Whose.
    pub customer: CustomerId,
    /// Why.
    pub why: RejectedWhy,
    /// The lines that fell short, when that is why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub short: Vec<Shortage>,
    /// When.
    pub at_ms: i64,
}

/// The customer wants a confirmed order back; delivery answers.
#[message("ordering.cancellation-requested", version = 1, key = order)]
pub struct CancellationRequested {
    /// Which order.
    pub order: OrderId,
    /// When.
    pub at_ms: i64,
}

/// It was on its way already.
#[message("ordering.cancellation-refused", version = 1, key = order)]
pub struct CancellationRefused {
    /// Which order.
    pub order: OrderId,
    /// When.
    pub at_ms: i64,
}

/// It ended after the customer's wish or a failed delivery.
#[message("ordering.order-cancelled", version = 1, key = order)]
pub struct OrderCancelled {
    /// Which order.
    pub order: OrderId,
    /// Whose.
    pub customer: CustomerId,
    /// Why.
    pub why: CancelledWhy,
    /// When.
    pub at_ms: i64,
}

/// It was delivered (배달완료).
#[message("ordering.order-completed", version = 1, key = order)]
pub struct OrderCompleted {
    /// Which order.
    pub order: OrderId,
    /// Whose.
    pub customer: CustomerId,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// When.
    pub at_ms: i64,
}

/// Every event of an order is told.
pub fn of_order(order: &str, event: &OrderEvent, state: &OrderState) -> Option<Public> {
    let placed = state.placed.as_ref()?;
    let order = OrderId::from(order);
    let customer = placed.customer.clone();
    let (lines, amount, address) = (placed.lines.clone(), placed.amount, placed.address.clone());
    Some(match event.clone() {
        OrderEvent::Placed(e) => {
            let (method, placed_at_ms, expires_at_ms) = (e.method, e.placed_at_ms, e.expires_at_ms);
            let fact = OrderPlaced { order, customer, lines, amount, method, address, placed_at_ms, expires_at_ms };
            Public::of(&fact)
        }
        OrderEvent::Confirmed(e) => {
            Public::of(&OrderConfirmed { order, customer, lines, amount, address, at_ms: e.at_ms })
        }
        OrderEvent::Rejected(e) => {
            Public::of(&OrderRejected { order, customer, why: e.why, short: e.short, at_ms: e.at_ms })
        }
        OrderEvent::CancellationRequested(e) => Public::of(&CancellationRequested { order, at_ms: e.at_ms }),
        OrderEvent::CancellationRefused(e) => Public::of(&CancellationRefused { order, at_ms: e.at_ms }),
        OrderEvent::Cancelled(e) => Public::of(&OrderCancelled { order, customer, why: e.why, at_ms: e.at_ms }),
        OrderEvent::Completed(e) => Public::of(&OrderCompleted { order, customer, lines, at_ms: e.at_ms }),
    })
}
