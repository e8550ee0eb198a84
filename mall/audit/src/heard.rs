//! The facts of an order's life, as narrow as the audit needs them.

use bongsu_core::{Messages, id, message};
use money::Money;
use serde::{Deserialize, Serialize};

/// An order, as ordering names it.
#[id]
#[derive(Default)]
pub struct OrderId(String);

/// A product, as product names it.
#[id]
pub struct Sku(String);

/// So many of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which product.
    pub sku: Sku,
    /// How many.
    pub quantity: u64,
}

/// A customer ordered.
#[message("ordering.order-placed", version = 1, key = order)]
pub struct OrderPlaced {
    /// Which order.
    pub order: OrderId,
    /// What.
    pub lines: Vec<Line>,
    /// Sum of the lines.
    pub amount: Money,
    /// Rejected unless confirmed by then, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

/// Declares facts of which only the order matters.
macro_rules! of_an_order {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)+) => {$(
        $(#[$doc])*
        #[message($wire, version = 1, key = order)]
        pub struct $name {
            /// Of which order.
            pub order: OrderId,
        }
    )+};
}

/// Declares facts about pieces.
macro_rules! of_lines {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)+) => {$(
        $(#[$doc])*
        #[message($wire, version = 1, key = order)]
        pub struct $name {
            /// Of which order.
            pub order: OrderId,
            /// One line per product.
            pub lines: Vec<Line>,
        }
    )+};
}

/// Declares facts about money.
macro_rules! of_money {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)+) => {$(
        $(#[$doc])*
        #[message($wire, version = 1, key = order)]
        pub struct $name {
            /// Of which order.
            pub order: OrderId,
            /// How much.
            pub amount: Money,
        }
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

/// Everything the audit hears. Whoever speaks first of an order starts its watch.
#[derive(Clone, Debug, PartialEq, Messages)]
#[starts]
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
