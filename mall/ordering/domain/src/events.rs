//! What happens to an order. Private: the service maps what others may hear.
//!
//! Every event names its order, because the processes of this context hear them by their content alone.

use bongsu_core::{Messages, message};
use money::Money;
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, OrderId, Sku};

/// One line of an order, as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Which product.
    pub sku: Sku,
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
    pub sku: Sku,
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
#[message("order.placed", version = 1, key = order)]
pub struct OrderPlaced {
    /// Its id.
    pub order: OrderId,
    /// Whose.
    pub customer: CustomerId,
    /// At least one.
    pub lines: Vec<OrderLine>,
    /// Sum of the lines.
    pub amount: Money,
    /// How it is paid.
    pub method: Method,
    /// Where it goes: sealed with a key of the customer's, which is destroyed when he is forgotten. In plain text only where it
    /// was written before there were keys.
    pub address: String,
    /// When, milliseconds since the Unix epoch.
    pub placed_at_ms: i64,
    /// Rejected unless confirmed by then, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

/// Stock is held and money is taken (최종 주문 완료됨).
#[message("order.confirmed", version = 1, key = order)]
pub struct OrderConfirmed {
    /// Which order.
    pub order: OrderId,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The order ended before it was confirmed.
#[message("order.rejected", version = 1, key = order)]
pub struct OrderRejected {
    /// Which order.
    pub order: OrderId,
    /// Why.
    pub why: RejectedWhy,
    /// The lines that fell short, when that is why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub short: Vec<Shortage>,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The customer wants a confirmed order back; delivery answers.
#[message("order.cancellation-requested", version = 1, key = order)]
pub struct CancellationRequested {
    /// Which order.
    pub order: OrderId,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// It was on its way already.
#[message("order.cancellation-refused", version = 1, key = order)]
pub struct CancellationRefused {
    /// Which order.
    pub order: OrderId,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The order ended after the customer's wish or a failed delivery.
#[message("order.cancelled", version = 1, key = order)]
pub struct OrderCancelled {
    /// Which order.
    pub order: OrderId,
    /// Why.
    pub why: CancelledWhy,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// It was delivered (배달완료).
#[message("order.completed", version = 1, key = order)]
pub struct OrderCompleted {
    /// Which order.
    pub order: OrderId,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// What happens to an order.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum OrderEvent {
    Placed(OrderPlaced),
    Confirmed(OrderConfirmed),
    Rejected(OrderRejected),
    CancellationRequested(CancellationRequested),
    CancellationRefused(CancellationRefused),
    Cancelled(OrderCancelled),
    Completed(OrderCompleted),
}
