//! The facts of an order's life, as narrow as a row of the order history needs them.

use bongsu_core::{Messages, id, message};
use money::Money;
use serde::{Deserialize, Serialize};

/// An order, as ordering names it.
#[id]
#[derive(Default)]
pub struct OrderId(String);

/// Who orders.
#[id]
pub struct CustomerId(String);

/// A product, as product names it.
#[id]
pub struct Sku(String);

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Line {
    /// Which product.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// Its name when it was ordered.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Price of one piece.
    pub price: Money,
}

/// A customer ordered.
#[message("ordering.order-placed", version = 1, key = order)]
pub struct OrderPlaced {
    /// Which order.
    pub order: OrderId,
    /// Whose.
    pub customer: CustomerId,
    /// What.
    pub lines: Vec<Line>,
    /// Sum of the lines.
    pub amount: Money,
    /// When, milliseconds since the Unix epoch.
    pub placed_at_ms: i64,
}

/// It ended before it was confirmed.
#[message("ordering.order-rejected", version = 1, key = order)]
pub struct OrderRejected {
    /// Which order.
    pub order: OrderId,
    /// Why.
    pub why: String,
}

/// It was called back, or could not be delivered.
#[message("ordering.order-cancelled", version = 1, key = order)]
pub struct OrderCancelled {
    /// Which order.
    pub order: OrderId,
    /// Why.
    pub why: String,
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

of_an_order! {
    /// Stock is held and money is taken.
    OrderConfirmed = "ordering.order-confirmed";
    /// The customer wants it back.
    CancellationRequested = "ordering.cancellation-requested";
    /// It was on its way already.
    CancellationRefused = "ordering.cancellation-refused";
    /// It was delivered.
    OrderCompleted = "ordering.order-completed";
    /// Every line is held.
    StockReserved = "product.stock-reserved";
    /// There was not enough.
    StockRejected = "product.stock-rejected";
    /// What was held was given back.
    StockReleased = "product.stock-released";
    /// What was held left for good.
    StockCommitted = "product.stock-committed";
    /// The money was taken.
    PaymentCaptured = "payment.payment-captured";
    /// The provider declined.
    PaymentDeclined = "payment.payment-declined";
    /// The money went back.
    PaymentRefunded = "payment.payment-refunded";
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

/// Everything a row is folded from.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum OrderFact {
    OrderPlaced(OrderPlaced),
    OrderRejected(OrderRejected),
    OrderCancelled(OrderCancelled),
    OrderConfirmed(OrderConfirmed),
    CancellationRequested(CancellationRequested),
    CancellationRefused(CancellationRefused),
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
