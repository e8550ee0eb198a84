//! The product context as a service: its map, its reactions and its HTTP API.
//!
//! [`service`] is the map: every arrow in or out is one line. [`facts`] says what the others hear,
//! [`catalogue`] writes product information, [`api`] is what can be asked over HTTP.
#![forbid(unsafe_code)]

pub mod facts;
pub mod policies;
pub mod catalogue;
pub mod api;
pub mod seed;
pub mod settings;

use bongsu_core::{Decision, Policy};
use bongsu_runtime::{Service, Snapshots};
use product_domain::{
    commit_stock::CommitReserved,
    product::Catalogue,
    release_stock::{Release, ReleaseStock},
    reservation::Reservation,
    reserve_stock::Reserve,
    stock::{STOCK_SCHEMA, Stock},
};

use crate::policies::follow_orders::FollowOrders;

/// The map of the product context.
pub fn service() -> Service {
    service_with(Release, FollowOrders)
}

/// The map with another decision over releases and another build's policy: the simulator plants bugs in the one, and
/// has the other not read everything.
#[doc(hidden)]
pub fn service_with<D, P>(release: D, follow: P) -> Service
where
    D: Decision<Command = ReleaseStock> + Send + Sync + 'static,
    P: Policy + Send + Sync + 'static,
    P::Fact: Send + Sync,
    P::Command: Send + Sync,
{
    Service::new("product")
        .facts::<Catalogue>(facts::of_product)
        .decider(Stock, facts::of_stock)
        // The longest streams there are: two events per line of every order.
        .snapshots::<Stock>(Snapshots { schema: STOCK_SCHEMA, every: 500 })
        .decision(Reserve)
        .decision(release)
        .decision(CommitReserved)
        .facts::<Reservation>(facts::of_reservation)
        .policy(
            follow,
            &[
                "ordering.order-placed.v1",
                "ordering.order-rejected.v1",
                "ordering.order-cancelled.v1",
                "ordering.order-completed.v1",
            ],
        )
}
