//! The ordering context as a service: its map, its reactions and its HTTP API.
//!
//! [`service`] is the map: every arrow in or out is one line. [`facts`] says what the others hear.
#![forbid(unsafe_code)]

pub mod facts;
pub mod settings;

use bongsu_runtime::Service;
use ordering_domain::{checkout::Checkout, fulfilment::Fulfilment, order::Orders, price_list::PriceList};

use crate::settings::Settings;

/// The map of the ordering context.
pub fn service(settings: &Settings) -> Service {
    Service::new("ordering")
        .decider(Orders { window_ms: settings.window_ms }, facts::of_order)
        .process(
            Checkout,
            &[
                "product.stock-reserved.v1",
                "product.stock-rejected.v1",
                "payment.payment-captured.v1",
                "payment.payment-declined.v1",
            ],
        )
        .process(
            Fulfilment,
            &[
                "delivery.delivery-departed.v1",
                "delivery.delivery-completed.v1",
                "delivery.delivery-failed.v1",
                "delivery.delivery-cancelled.v1",
            ],
        )
        .projection::<PriceList>(&[
            "product.product-registered.v1",
            "product.product-changed.v1",
            "product.product-retired.v1",
        ])
}
