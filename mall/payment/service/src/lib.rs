//! The payment context as a service: its map, its reactions and its HTTP API.
//!
//! [`service`] is the map: every arrow in or out is one line. [`facts`] says what the others hear,
//! [`activities`] speak to the provider, [`api`] is what can be asked over HTTP.
#![forbid(unsafe_code)]

pub mod facts;
pub mod policies;
pub mod activities;
pub mod api;
pub mod settings;

use bongsu_core::Policy;
use bongsu_runtime::Service;
use payment_domain::payment::Payments;

use crate::{
    activities::{capture::Capture, provider::Provider, refund::Refund},
    policies::follow_orders::FollowOrders,
    settings::Settings,
};

/// The map of the payment context.
pub fn service(settings: &Settings) -> Service {
    service_following(settings, FollowOrders)
}

/// The map with another build's policy: the simulator has one that cannot read everything.
#[doc(hidden)]
pub fn service_following<P>(settings: &Settings, follow: P) -> Service
where
    P: Policy + Send + Sync + 'static,
    P::Fact: Send + Sync,
    P::Command: Send + Sync,
{
    let provider = Provider::new(settings);
    Service::new("payment")
        .decider(Payments { margin_ms: settings.margin_ms }, facts::of_payment)
        .policy(
            follow,
            &[
                "ordering.order-placed.v1",
                "product.stock-reserved.v1",
                "ordering.order-rejected.v1",
                "ordering.order-cancelled.v1",
            ],
        )
        .activity(Capture(provider.clone()))
        .activity(Refund(provider))
}
