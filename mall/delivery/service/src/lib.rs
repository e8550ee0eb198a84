//! The delivery context as a service: its map, its reactions and its HTTP API.
//!
//! [`service`] is the map: every arrow in or out is one line. [`facts`] says what the others hear,
//! [`api`] what can be asked over HTTP.
#![forbid(unsafe_code)]

pub mod facts;
pub mod policies;
pub mod api;
pub mod settings;

use bongsu_runtime::Service;
use delivery_domain::delivery::Deliveries;

use crate::{policies::follow_orders::FollowOrders, settings::Settings};

/// The map of the delivery context.
pub fn service(settings: &Settings) -> Service {
    Service::new("delivery")
        .decider(Deliveries, facts::of_delivery)
        .policy(FollowOrders, &["ordering.order-confirmed.v1", "ordering.cancellation-requested.v1"])
        .process(settings.courier(), &[])
}
