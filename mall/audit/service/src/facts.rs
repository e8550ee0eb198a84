//! What the audit tells the others, keyed by order.

use audit_domain::{events::InspectionEvent, inspection::InspectionState, rules::Finding};
use bongsu_core::{Public, message};

/// The first fact of an order was heard.
#[message("audit.order-watched", version = 1, key = order)]
pub struct OrderWatched {
    /// Which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The contexts disagree about an order, or disagree about something else than before.
#[message("audit.order-inconsistent", version = 1, key = order)]
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

/// The contexts agree about an order again.
#[message("audit.order-consistent", version = 1, key = order)]
pub struct OrderConsistent {
    /// Which order.
    pub order: String,
    /// Since when it was inconsistent, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When this was found.
    pub at_ms: i64,
}

/// Every event of an inspection is told.
pub fn of_inspection(order: &str, event: &InspectionEvent, _: &InspectionState) -> Option<Public> {
    let order = order.to_owned();
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
