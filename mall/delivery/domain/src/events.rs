//! What happens to a delivery. Private: the service maps what others may hear.
//!
//! Every event names its order, because the courier hears them by their content alone.

use bongsu_core::{version, wire};
use serde::{Deserialize, Serialize};

/// What is in the parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Which product.
    pub sku: String,
    /// Its name when it was ordered.
    pub name: String,
    /// How many.
    pub quantity: u32,
}

/// The parcel is packed (배송 준비됨).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryPrepared {
    /// Of which order.
    pub order: String,
    /// Where it goes.
    pub address: String,
    /// What is in it.
    pub items: Vec<Item>,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(DeliveryPrepared, "delivery.prepared", 1);

/// The parcel left (배송 출발함).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryDeparted {
    /// Of which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(DeliveryDeparted, "delivery.departed", 1);

/// The parcel arrived (배송 완료됨).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryCompleted {
    /// Of which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(DeliveryCompleted, "delivery.completed", 1);

/// The parcel could not be delivered (배송 처리 실패).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryFailed {
    /// Of which order.
    pub order: String,
    /// In the courier's words.
    pub why: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(DeliveryFailed, "delivery.failed", 1);

/// The parcel never left, and will not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryCancelled {
    /// Of which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(DeliveryCancelled, "delivery.cancelled", 1);

wire! {
    /// What happens to a delivery.
    pub enum DeliveryEvent {
        Prepared(DeliveryPrepared),
        Departed(DeliveryDeparted),
        Completed(DeliveryCompleted),
        Failed(DeliveryFailed),
        Cancelled(DeliveryCancelled),
    }
}
