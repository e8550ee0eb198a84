//! audit 정합성: which orders disagree between contexts, and since when. It owns no truth. Start at [`service`], the map;
//! [`rules`] says what cannot all be true of the [`books`] of one order, [`watch`] gives the contexts a moment to hear of
//! each other.
#![forbid(unsafe_code)]

pub mod heard;
pub mod books;
pub mod rules;
pub mod watch;
pub mod inspection;
pub mod views;
pub mod api;

use bongsu_core::{Public, message};
use bongsu_host::config::within;
use bongsu_runtime::Service;
use serde::{Deserialize, Serialize};

use crate::{
    heard::OrderId,
    inspection::{InspectionEvent, InspectionState, Inspections},
    rules::Finding,
    views::{Disagreements, OrdersHeard},
    watch::Watch,
};

/// The map of the audit context: every arrow in or out is one line.
pub fn service(settings: &Settings) -> Service {
    Service::new("audit")
        .decider(Inspections, told)
        .process(settings.watch())
        .projection::<OrdersHeard>()
        .projection::<Disagreements>()
}

/// The first fact of an order was heard.
#[message("audit.order-watched", version = 1, key = order)]
pub struct OrderWatched {
    pub order: OrderId,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The contexts disagree about an order, or disagree about something else than before.
#[message("audit.order-inconsistent", version = 1, key = order)]
pub struct OrderInconsistent {
    pub order: OrderId,
    /// Every rule it breaks.
    pub findings: Vec<Finding>,
    /// Since when it breaks some, milliseconds since the Unix epoch.
    pub since_ms: i64,
    pub at_ms: i64,
}

/// The contexts agree about an order again.
#[message("audit.order-consistent", version = 1, key = order)]
pub struct OrderConsistent {
    pub order: OrderId,
    /// Since when it was inconsistent, milliseconds since the Unix epoch.
    pub since_ms: i64,
    pub at_ms: i64,
}

/// Every event of an inspection is told.
pub fn told(order: &str, event: &InspectionEvent, _: &InspectionState) -> Option<Public> {
    let order = OrderId::from(order);
    Some(match event.clone() {
        InspectionEvent::TakenUp(e) => Public::of(&OrderWatched { order, at_ms: e.at_ms }),
        InspectionEvent::FoundInconsistent(e) => {
            let (findings, since_ms, at_ms) = (e.findings, e.since_ms, e.at_ms);
            Public::of(&OrderInconsistent { order, findings, since_ms, at_ms })
        }
        InspectionEvent::FoundConsistent(e) => {
            Public::of(&OrderConsistent { order, since_ms: e.since_ms, at_ms: e.at_ms })
        }
    })
}

/// What can be configured under `[service]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Facts may take so long from one context to the others, in milliseconds: what disagrees for longer is reported.
    #[serde(deserialize_with = "within::<_, _, 0, 31_536_000_000>")]
    pub grace_ms: i64,
    /// An order may stay undecided so long after its deadline, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 0, 31_536_000_000>")]
    pub slack_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        let Watch { grace_ms, slack_ms } = Watch::default();
        Self { grace_ms, slack_ms }
    }
}

impl Settings {
    fn watch(&self) -> Watch {
        Watch { grace_ms: self.grace_ms, slack_ms: self.slack_ms }
    }
}
