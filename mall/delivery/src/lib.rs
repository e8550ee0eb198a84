//! delivery 배송: a parcel is prepared, departs and arrives, or does not. Start at [`service`], the map; the rules are
//! [`delivery`](mod@delivery) and [`courier`].
#![forbid(unsafe_code)]

pub mod delivery;
pub mod courier;
pub mod api;

use bongsu_core::{Ctx, Messages, Public, message};
use bongsu_host::config::within;
use bongsu_runtime::Service;
use serde::{Deserialize, Serialize};

use crate::{
    courier::Courier,
    delivery::{
        CancelDelivery, CustomerId, Deliveries, DeliveryCommand, DeliveryEvent, DeliveryState, Item, OrderId,
        PrepareDelivery,
    },
};

/// The map of the delivery context: every arrow in or out is one line.
pub fn service(settings: &Settings) -> Service {
    Service::new("delivery")
        .decider(Deliveries, told)
        .policy("follow-orders", follow_orders)
        .process(settings.courier())
}

/// What delivery hears of orders.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum Heard {
    Confirmed(OrderConfirmed),
    CancellationRequested(CancellationRequested),
}

/// Stock is held and money is taken.
#[message("ordering.order-confirmed", version = 1, key = order)]
pub struct OrderConfirmed {
    pub order: OrderId,
    pub customer: CustomerId,
    /// What goes into the parcel.
    pub lines: Vec<Item>,
    /// Where it goes, sealed: handed on as it is, and never shown.
    pub address: String,
}

/// The customer wants it back.
#[message("ordering.cancellation-requested", version = 1, key = order)]
pub struct CancellationRequested {
    pub order: OrderId,
}

/// Packs, and keeps back what has not left. A parcel that has left stays on its way: its own fact says so.
pub fn follow_orders(heard: &Heard, _: &Ctx) -> Vec<DeliveryCommand> {
    vec![match heard.clone() {
        Heard::Confirmed(OrderConfirmed { order, customer, lines, address }) => {
            PrepareDelivery { order, customer: Some(customer), address, items: lines }.into()
        }
        Heard::CancellationRequested(CancellationRequested { order }) => CancelDelivery { order }.into(),
    }]
}

/// The parcel is packed.
#[message("delivery.delivery-prepared", version = 1, key = order)]
pub struct Prepared {
    pub order: OrderId,
    pub address: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The parcel left.
#[message("delivery.delivery-departed", version = 1, key = order)]
pub struct Departed {
    pub order: OrderId,
    pub at_ms: i64,
}

/// The parcel arrived.
#[message("delivery.delivery-completed", version = 1, key = order)]
pub struct Completed {
    pub order: OrderId,
    pub at_ms: i64,
}

/// The parcel could not be delivered (배송 처리 실패).
#[message("delivery.delivery-failed", version = 1, key = order)]
pub struct Failed {
    pub order: OrderId,
    pub why: String,
    pub at_ms: i64,
}

/// The parcel never left.
#[message("delivery.delivery-cancelled", version = 1, key = order)]
pub struct Cancelled {
    pub order: OrderId,
    pub at_ms: i64,
}

/// Every event of a delivery is told.
pub fn told(order: &str, event: &DeliveryEvent, _: &DeliveryState) -> Option<Public> {
    let order = OrderId::from(order);
    Some(match event.clone() {
        DeliveryEvent::Prepared(e) => Public::of(&Prepared { order, address: e.address, at_ms: e.at_ms }),
        DeliveryEvent::Departed(e) => Public::of(&Departed { order, at_ms: e.at_ms }),
        DeliveryEvent::Completed(e) => Public::of(&Completed { order, at_ms: e.at_ms }),
        DeliveryEvent::Failed(e) => Public::of(&Failed { order, why: e.why, at_ms: e.at_ms }),
        DeliveryEvent::Cancelled(e) => Public::of(&Cancelled { order, at_ms: e.at_ms }),
    })
}

/// What can be configured under `[service]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who moves parcels.
    pub courier: Who,
    /// The automatic courier departs so long after packing, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 0, 31_536_000_000>")]
    pub depart_after_ms: i64,
    /// And arrives so long after departing, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 0, 31_536_000_000>")]
    pub complete_after_ms: i64,
}

/// Who moves parcels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The clock.
    Auto,
    /// People, through the API.
    Manual,
}

impl Default for Settings {
    fn default() -> Self {
        Self { courier: Who::Auto, depart_after_ms: 1_000, complete_after_ms: 1_000 }
    }
}

impl Settings {
    /// The courier of these settings.
    pub fn courier(&self) -> Courier {
        match self.courier {
            Who::Auto => {
                Courier::Auto { depart_after_ms: self.depart_after_ms, complete_after_ms: self.complete_after_ms }
            }
            Who::Manual => Courier::Manual,
        }
    }
}
