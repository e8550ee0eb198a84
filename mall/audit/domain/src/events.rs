//! What happens to the inspection of one order. Private: the service maps what others may hear.

use bongsu_core::{version, wire};
use serde::{Deserialize, Serialize};

use crate::rules::Finding;

/// The first fact of an order was heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderTakenUp {
    /// Which order.
    pub order: String,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
version!(OrderTakenUp, "inspection.taken-up", 1);

/// The contexts disagree about the order, or disagree about something else than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
version!(OrderFoundInconsistent, "inspection.found-inconsistent", 1);

/// The contexts agree about the order again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderFoundConsistent {
    /// Which order.
    pub order: String,
    /// Since when it was inconsistent, milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When this was found.
    pub at_ms: i64,
}
version!(OrderFoundConsistent, "inspection.found-consistent", 1);

wire! {
    /// What happens to an inspection.
    pub enum InspectionEvent {
        TakenUp(OrderTakenUp),
        FoundInconsistent(OrderFoundInconsistent),
        FoundConsistent(OrderFoundConsistent),
    }
}
