//! The audit context as a service: which orders disagree between contexts, and since when. It owns no truth.
//!
//! [`service`] is the map: every arrow in or out is one line. [`facts`] says what the others hear,
//! [`projections`] are what can be asked, [`api`] is how.
#![forbid(unsafe_code)]

pub mod facts;
pub mod projections;
pub mod api;
pub mod settings;

use audit_domain::inspection::Inspections;
use bongsu_runtime::Service;

use crate::{
    projections::{disagreements::Disagreements, orders_heard::OrdersHeard},
    settings::Settings,
};

/// The map of the audit context.
pub fn service(settings: &Settings) -> Service {
    Service::new("audit")
        .decider(Inspections, facts::of_inspection)
        .process(
            settings.watch(),
            &[
                "ordering.order-placed.v1",
                "ordering.order-confirmed.v1",
                "ordering.order-rejected.v1",
                "ordering.order-cancelled.v1",
                "ordering.order-completed.v1",
                "product.stock-reserved.v1",
                "product.stock-rejected.v1",
                "product.stock-released.v1",
                "product.stock-committed.v1",
                "payment.payment-captured.v1",
                "payment.payment-declined.v1",
                "payment.payment-refunded.v1",
                "delivery.delivery-prepared.v1",
                "delivery.delivery-departed.v1",
                "delivery.delivery-completed.v1",
                "delivery.delivery-failed.v1",
                "delivery.delivery-cancelled.v1",
            ],
        )
        .projection::<OrdersHeard>(&["audit.order-watched.v1"])
        .projection::<Disagreements>(&["audit.order-inconsistent.v1", "audit.order-consistent.v1"])
}
