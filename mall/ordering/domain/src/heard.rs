//! The facts of other contexts, as narrow as this context needs them.

use bongsu_core::message;
use money::Money;

use crate::{
    events::Shortage,
    ids::{CustomerId, OrderId, Sku},
};

/// Product holds every line.
#[message("product.stock-reserved", version = 1, key = order)]
pub struct StockReserved {
    /// For which order.
    pub order: OrderId,
}

/// Product has not enough of some line and holds nothing.
#[message("product.stock-rejected", version = 1, key = order)]
pub struct StockRejected {
    /// For which order.
    pub order: OrderId,
    /// The lines that fell short.
    pub short: Vec<Shortage>,
}

/// The provider took the money.
#[message("payment.payment-captured", version = 1, key = order)]
pub struct PaymentCaptured {
    /// For which order.
    pub order: OrderId,
}

/// The provider declined.
#[message("payment.payment-declined", version = 1, key = order)]
pub struct PaymentDeclined {
    /// For which order.
    pub order: OrderId,
}

/// The parcel left.
#[message("delivery.delivery-departed", version = 1, key = order)]
pub struct DeliveryDeparted {
    /// Of which order.
    pub order: OrderId,
}

/// The parcel arrived.
#[message("delivery.delivery-completed", version = 1, key = order)]
pub struct DeliveryCompleted {
    /// Of which order.
    pub order: OrderId,
}

/// The parcel could not be delivered.
#[message("delivery.delivery-failed", version = 1, key = order)]
pub struct DeliveryFailed {
    /// Of which order.
    pub order: OrderId,
}

/// The parcel never left.
#[message("delivery.delivery-cancelled", version = 1, key = order)]
pub struct DeliveryCancelled {
    /// Of which order.
    pub order: OrderId,
}

/// A product was put on sale.
#[message("product.product-registered", version = 1, key = sku)]
pub struct ProductRegistered {
    /// Which.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// For one piece.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// A product's name or price changed.
#[message("product.product-changed", version = 1, key = sku)]
pub struct ProductChanged {
    /// Which.
    pub sku: Sku,
    /// The name from now on.
    pub name: String,
    /// The price from now on.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// A product is no longer sold.
#[message("product.product-retired", version = 1, key = sku)]
pub struct ProductRetired {
    /// Which.
    pub sku: Sku,
}

/// Somebody is forgotten: nobody who keeps something about him keeps it.
#[message("identity.person-forgotten", version = 1, key = person)]
pub struct PersonForgotten {
    /// Who.
    pub person: CustomerId,
}
