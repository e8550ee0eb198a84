//! What the audit tells the others, keyed by order.

use audit_domain::{events::InspectionEvent, inspection::InspectionState, rules::Finding};
use bongsu_core::{Public, version};
use serde::{Deserialize, Serialize};

/// The first fact of an order was heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderWatched {
    /// Which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(OrderWatched, "audit.order-watched", 1);

/// The contexts disagree about an order, or disagree about something else than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderInconsistent {
    /// Which order.
    pub order: String,
    /// Every rule it breaks.
    pub findings: Vec<Finding>,
    /// Since when it breaks some, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When this was found.
    pub at_ms: i64,
}
version!(OrderInconsistent, "audit.order-inconsistent", 1);

/// The contexts agree about an order again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConsistent {
    /// Which order.
    pub order: String,
    /// Since when it was inconsistent, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When this was found.
    pub at_ms: i64,
}
version!(OrderConsistent, "audit.order-consistent", 1);

/// Every event of an inspection is told.
pub fn of_inspection(order: &str, event: &InspectionEvent, _: &InspectionState) -> Option<Public> {
    let (key, order) = (order, order.to_owned());
    Some(match event.clone() {
        InspectionEvent::TakenUp(e) => Public::new(key, &OrderWatched { order, at_ms: e.at_ms }),
        InspectionEvent::FoundInconsistent(e) => {
            let (findings, since_ms, at_ms) = (e.findings, e.since_ms, e.at_ms);
            Public::new(key, &OrderInconsistent { order, findings, since_ms, at_ms })
        }
        InspectionEvent::FoundConsistent(e) => {
            Public::new(key, &OrderConsistent { order, since_ms: e.since_ms, at_ms: e.at_ms })
        }
    })
}
