//! The facts of an order's life, as narrow as the audit needs them.

use bongsu_core::{version, wire};
use money::Money;
use serde::{Deserialize, Serialize};

/// So many of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which product.
    pub sku: String,
    /// How many.
    pub quantity: u64,
}

/// A customer ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// Which order.
    pub order: String,
    /// What.
    pub lines: Vec<Line>,
    /// Sum of the lines.
    pub amount: Money,
    /// Rejected unless confirmed by then, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}
version!(OrderPlaced, "ordering.order-placed", 1);

/// Declares facts of which only the order matters.
macro_rules! of_an_order {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            /// Of which order.
            pub order: String,
        }
        version!($name, $wire, 1);
    )+};
}

/// Declares facts about pieces.
macro_rules! of_lines {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            /// Of which order.
            pub order: String,
            /// One line per product.
            pub lines: Vec<Line>,
        }
        version!($name, $wire, 1);
    )+};
}

/// Declares facts about money.
macro_rules! of_money {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            /// Of which order.
            pub order: String,
            /// How much.
            pub amount: Money,
        }
        version!($name, $wire, 1);
    )+};
}

of_an_order! {
    /// Stock is held and money is taken.
    OrderConfirmed = "ordering.order-confirmed";
    /// It ended before it was confirmed.
    OrderRejected = "ordering.order-rejected";
    /// It was called back, or could not be delivered.
    OrderCancelled = "ordering.order-cancelled";
    /// It was delivered.
    OrderCompleted = "ordering.order-completed";
    /// There was not enough.
    StockRejected = "product.stock-rejected";
    /// The provider declined.
    PaymentDeclined = "payment.payment-declined";
    /// The parcel is packed.
    DeliveryPrepared = "delivery.delivery-prepared";
    /// The parcel left.
    DeliveryDeparted = "delivery.delivery-departed";
    /// The parcel arrived.
    DeliveryCompleted = "delivery.delivery-completed";
    /// The parcel could not be delivered.
    DeliveryFailed = "delivery.delivery-failed";
    /// The parcel never left.
    DeliveryCancelled = "delivery.delivery-cancelled";
}

of_lines! {
    /// Every line is held.
    StockReserved = "product.stock-reserved";
    /// What was held was given back.
    StockReleased = "product.stock-released";
    /// What was held left for good.
    StockCommitted = "product.stock-committed";
}

of_money! {
    /// The money was taken.
    PaymentCaptured = "payment.payment-captured";
    /// The money went back.
    PaymentRefunded = "payment.payment-refunded";
}

wire! {
    /// Everything the audit hears.
    pub enum OrderFact {
        OrderPlaced(OrderPlaced),
        OrderConfirmed(OrderConfirmed),
        OrderRejected(OrderRejected),
        OrderCancelled(OrderCancelled),
        OrderCompleted(OrderCompleted),
        StockReserved(StockReserved),
        StockRejected(StockRejected),
        StockReleased(StockReleased),
        StockCommitted(StockCommitted),
        PaymentCaptured(PaymentCaptured),
        PaymentDeclined(PaymentDeclined),
        PaymentRefunded(PaymentRefunded),
        DeliveryPrepared(DeliveryPrepared),
        DeliveryDeparted(DeliveryDeparted),
        DeliveryCompleted(DeliveryCompleted),
        DeliveryFailed(DeliveryFailed),
        DeliveryCancelled(DeliveryCancelled),
    }
}

impl OrderFact {
    /// The order a fact belongs to.
    pub fn order(&self) -> &str {
        match self {
            Self::OrderPlaced(fact) => &fact.order,
            Self::OrderConfirmed(fact) => &fact.order,
            Self::OrderRejected(fact) => &fact.order,
            Self::OrderCancelled(fact) => &fact.order,
            Self::OrderCompleted(fact) => &fact.order,
            Self::StockReserved(fact) => &fact.order,
            Self::StockRejected(fact) => &fact.order,
            Self::StockReleased(fact) => &fact.order,
            Self::StockCommitted(fact) => &fact.order,
            Self::PaymentCaptured(fact) => &fact.order,
            Self::PaymentDeclined(fact) => &fact.order,
            Self::PaymentRefunded(fact) => &fact.order,
            Self::DeliveryPrepared(fact) => &fact.order,
            Self::DeliveryDeparted(fact) => &fact.order,
            Self::DeliveryCompleted(fact) => &fact.order,
            Self::DeliveryFailed(fact) => &fact.order,
            Self::DeliveryCancelled(fact) => &fact.order,
        }
    }
}
