//! The product context as a service: its map, its reactions and its HTTP API.
//!
//! [`service`] is the map: every arrow in or out is one line. [`facts`] says what the others hear,
//! [`catalogue`] writes product information, [`api`] is what can be asked over HTTP.
#![forbid(unsafe_code)]

pub mod facts;
pub mod policies;
pub mod projections;
pub mod catalogue;
pub mod shelves;
pub mod api;
pub mod seed;
pub mod settings;

use bongsu_runtime::{Service, Snapshots};
use product_domain::{
    commit_stock::CommitReserved,
    product::Catalogue,
    release_stock::Release,
    reservation::Reservation,
    reserve_stock::Reserve,
    stock::{STOCK_SCHEMA, Stock},
};

pub use crate::settings::Settings;
use crate::{policies::follow_orders::follow_orders, projections::confirmed::Confirmed};

/// The map of the product context.
pub fn service(_: &Settings) -> Service {
    Service::new("product")
        .tells::<Catalogue, _>(facts::of_product)
        .decider(Stock, facts::of_stock)
        // The longest streams there are: two events per line of every order.
        .snapshots::<Stock>(Snapshots { schema: STOCK_SCHEMA, every: 500 })
        .decision(Reserve)
        .decision(Release)
        .decision(CommitReserved)
        .tells::<Reservation, _>(facts::of_reservation)
        .policy("follow-orders", follow_orders)
        .projection::<Confirmed>()
}
