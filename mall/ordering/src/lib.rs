//! The ordering context as a service: its map, its reactions and its HTTP API.
//!
//! [`service`] is the map: every arrow in or out is one line. [`facts`] says what the others hear,
//! [`api`] what can be asked over HTTP; `addresses` seals where orders go, so that it can be forgotten.
#![forbid(unsafe_code)]

pub mod facts;
pub mod projections;
mod addresses;
pub mod api;
pub mod settings;

use bongsu_runtime::{Service, Snapshots, daily};
use ordering_domain::{
    cart::{CART_SCHEMA, Carts},
    check_out::CheckOuts,
    checkout::Checkout,
    fulfilment::Fulfilment,
    guest_cart::GuestCart,
    heard::PersonForgotten,
    merge_carts::Merges,
    order::Orders,
    price_list::PriceList,
};

use crate::projections::orders_of_customer::OrdersOfCustomer;
pub use crate::settings::Settings;

/// The map of the ordering context.
pub fn service(settings: &Settings) -> Service {
    Service::new("ordering")
        .decider(Orders { window_ms: settings.window_ms }, facts::of_order)
        // Carts are private: what becomes of one is told as an order.
        .decider(Carts, |_, _, _| None)
        .decision(CheckOuts { window_ms: settings.window_ms })
        .decision(Merges)
        .snapshots::<Carts>(Snapshots { schema: CART_SCHEMA, every: settings.snapshot_every })
        .snapshots_at(daily(&settings.snapshot_at, &settings.time_zone))
        .process(Checkout)
        .process(Fulfilment)
        .process(GuestCart)
        .projection::<PriceList>()
        .projection::<OrdersOfCustomer>()
        .forgets("forget-customers", |heard: &PersonForgotten| &heard.person, addresses::about)
}
