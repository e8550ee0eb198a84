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
        .process(settings.watch())
        .projection::<OrdersHeard>()
        .projection::<Disagreements>()
}
