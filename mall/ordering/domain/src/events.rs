//! What happens to an order. Private: the service maps what others may hear.
//!
//! Every event names its order, because the processes of this context hear them by their content alone.

use bongsu_core::{version, wire};
use money::Money;
use serde::{Deserialize, Serialize};

/// One line of an order, as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Which product.
    pub sku: String,
    /// Its name when it was ordered.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Agreed price of one piece.
    pub price: Money,
}

/// How the customer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By card.
    Card,
}

/// A sku of which there was not enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// Which product.
    pub sku: String,
    /// How many were asked for.
    pub asked: u64,
    /// How many could have been had.
    pub available: u64,
}

/// Why an order was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectedWhy {
    /// Not enough of some line.
    OutOfStock,
    /// The provider declined.
    PaymentDeclined,
    /// It was not confirmed in time.
    Deadline,
}

/// Why an order was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelledWhy {
    /// The customer asked.
    Customer,
    /// It could not be delivered.
    DeliveryFailed,
}

/// A customer ordered (가주문됨): PENDING until it is confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// Its id.
    pub order: String,
    /// Whose.
    pub customer: String,
    /// At least one.
    pub lines: Vec<OrderLine>,
    /// Sum of the lines.
    pub amount: Money,
    /// How it is paid.
    pub method: Method,
    /// Where it goes.
    pub address: String,
    /// When, milliseconds since the Unix epoch.
    pub placed_at_ms: i64,
    /// Rejected unless confirmed by then, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}
version!(OrderPlaced, "order.placed", 1);

/// Stock is held and money is taken (최종 주문 완료됨).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    /// Which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(OrderConfirmed, "order.confirmed", 1);

/// The order ended before it was confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRejected {
    /// Which order.
    pub order: String,
    /// Why.
    pub why: RejectedWhy,
    /// The lines that fell short, when that is why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub short: Vec<Shortage>,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(OrderRejected, "order.rejected", 1);

/// The customer wants a confirmed order back; delivery answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancellationRequested {
    /// Which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(CancellationRequested, "order.cancellation-requested", 1);

/// It was on its way already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancellationRefused {
    /// Which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(CancellationRefused, "order.cancellation-refused", 1);

/// The order ended after the customer's wish or a failed delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Which order.
    pub order: String,
    /// Why.
    pub why: CancelledWhy,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(OrderCancelled, "order.cancelled", 1);

/// It was delivered (배달완료).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCompleted {
    /// Which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(OrderCompleted, "order.completed", 1);

wire! {
    /// What happens to an order.
    pub enum OrderEvent {
        Placed(OrderPlaced),
        Confirmed(OrderConfirmed),
        Rejected(OrderRejected),
        CancellationRequested(CancellationRequested),
        CancellationRefused(CancellationRefused),
        Cancelled(OrderCancelled),
        Completed(OrderCompleted),
    }
}
