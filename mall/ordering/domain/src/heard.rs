//! The facts of other contexts, as narrow as this context needs them.

use bongsu_core::version;
use money::Money;
use serde::{Deserialize, Serialize};

use crate::events::Shortage;

/// Product holds every line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReserved {
    /// For which order.
    pub order: String,
}
version!(StockReserved, "product.stock-reserved", 1);

/// Product has not enough of some line and holds nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockRejected {
    /// For which order.
    pub order: String,
    /// The lines that fell short.
    pub short: Vec<Shortage>,
}
version!(StockRejected, "product.stock-rejected", 1);

/// The provider took the money.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentCaptured {
    /// For which order.
    pub order: String,
}
version!(PaymentCaptured, "payment.payment-captured", 1);

/// The provider declined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentDeclined {
    /// For which order.
    pub order: String,
}
version!(PaymentDeclined, "payment.payment-declined", 1);

/// The parcel left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryDeparted {
    /// Of which order.
    pub order: String,
}
version!(DeliveryDeparted, "delivery.delivery-departed", 1);

/// The parcel arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryCompleted {
    /// Of which order.
    pub order: String,
}
version!(DeliveryCompleted, "delivery.delivery-completed", 1);

/// The parcel could not be delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryFailed {
    /// Of which order.
    pub order: String,
}
version!(DeliveryFailed, "delivery.delivery-failed", 1);

/// The parcel never left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryCancelled {
    /// Of which order.
    pub order: String,
}
version!(DeliveryCancelled, "delivery.delivery-cancelled", 1);

/// A product was put on sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductRegistered {
    /// Which.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// For one piece.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(ProductRegistered, "product.product-registered", 1);

/// A product's name or price changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductChanged {
    /// Which.
    pub sku: String,
    /// The name from now on.
    pub name: String,
    /// The price from now on.
    pub price: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(ProductChanged, "product.product-changed", 1);

/// A product is no longer sold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductRetired {
    /// Which.
    pub sku: String,
}
version!(ProductRetired, "product.product-retired", 1);
