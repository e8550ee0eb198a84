//! What happens to the inspection of one order. Private: the service maps what others may hear.

use bongsu_core::{Messages, message};

use crate::rules::Finding;

/// The first fact of an order was heard.
#[message("inspection.taken-up", version = 1, key = order)]
pub struct OrderTakenUp {
    /// Which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The contexts disagree about the order, or disagree about something else than before.
#[message("inspection.found-inconsistent", version = 1, key = order)]
pub struct OrderFoundInconsistent {
    /// Which order.
    pub order: String,
    /// Every rule it breaks.
    pub findings: Vec<Finding>,
    /// Since when it breaks some, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When this was found.
    pub at_ms: i64,
}

/// The contexts agree about the order again.
#[message("inspection.found-consistent", version = 1, key = order)]
pub struct OrderFoundConsistent {
    /// Which order.
    pub order: String,
    /// Since when it was inconsistent, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When this was found.
    pub at_ms: i64,
}

/// What happens to an inspection.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum InspectionEvent {
    TakenUp(OrderTakenUp),
    FoundInconsistent(OrderFoundInconsistent),
    FoundConsistent(OrderFoundConsistent),
}
