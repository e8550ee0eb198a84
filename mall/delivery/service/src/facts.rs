//! What the delivery context tells the others, keyed by order.

use bongsu_core::{Public, version};
use delivery_domain::{delivery::DeliveryState, events::DeliveryEvent};
use serde::{Deserialize, Serialize};

/// The parcel is packed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryPrepared {
    /// Of which order.
    pub order: String,
    /// Where it goes.
    pub address: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(DeliveryPrepared, "delivery.delivery-prepared", 1);

/// The parcel left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryDeparted {
    /// Of which order.
    pub order: String,
    /// When.
    pub at_ms: i64,
}
version!(DeliveryDeparted, "delivery.delivery-departed", 1);

/// The parcel arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryCompleted {
    /// Of which order.
    pub order: String,
    /// When.
    pub at_ms: i64,
}
version!(DeliveryCompleted, "delivery.delivery-completed", 1);

/// The parcel could not be delivered (배송 처리 실패).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryFailed {
    /// Of which order.
    pub order: String,
    /// Why.
    pub why: String,
    /// When.
    pub at_ms: i64,
}
version!(DeliveryFailed, "delivery.delivery-failed", 1);

/// The parcel never left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryCancelled {
    /// Of which order.
    pub order: String,
    /// When.
    pub at_ms: i64,
}
version!(DeliveryCancelled, "delivery.delivery-cancelled", 1);

/// Every event of a delivery is told.
pub fn of_delivery(order: &str, event: &DeliveryEvent, _: &DeliveryState) -> Option<Public> {
    let (key, order) = (order, order.to_owned());
    Some(match event.clone() {
        DeliveryEvent::Prepared(e) => Public::new(key, &DeliveryPrepared { order, address: e.address, at_ms: e.at_ms }),
        DeliveryEvent::Departed(e) => Public::new(key, &DeliveryDeparted { order, at_ms: e.at_ms }),
        DeliveryEvent::Completed(e) => Public::new(key, &DeliveryCompleted { order, at_ms: e.at_ms }),
        DeliveryEvent::Failed(e) => Public::new(key, &DeliveryFailed { order, why: e.why, at_ms: e.at_ms }),
        DeliveryEvent::Cancelled(e) => Public::new(key, &DeliveryCancelled { order, at_ms: e.at_ms }),
    })
}
