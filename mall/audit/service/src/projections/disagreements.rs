//! The orders that are inconsistent now, and since when: a row each, gone when the contexts agree.

use audit_domain::rules::Finding;
use bongsu_core::{Messages, Metadata, Projection};
use serde::{Deserialize, Serialize};

use crate::facts::{OrderConsistent, OrderInconsistent};

/// Folds the list.
pub struct Disagreements;

/// An order about which the contexts disagree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which order.
    pub order: String,
    /// Every rule it breaks.
    pub findings: Vec<Finding>,
    /// Since when, milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// What the list is folded from.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum Heard {
    Inconsistent(OrderInconsistent),
    Consistent(OrderConsistent),
}

/// Rows by beginning, the longest first.
pub const BY_BEGINNING: u16 = 0;

impl Projection for Disagreements {
    const NAME: &'static str = "disagreements";
    const VERSION: u32 = 1;
    type Event = Heard;
    type Row = Row;

    fn fold(key: &str, _: Option<Row>, event: &Heard, _: &Metadata) -> Option<Row> {
        match event {
            Heard::Inconsistent(e) => {
                Some(Row { order: key.to_owned(), findings: e.findings.clone(), since_ms: e.since_ms })
            }
            Heard::Consistent(_) => None,
        }
    }

    fn index(key: &str, row: &Row) -> Vec<(u16, Vec<u8>)> {
        let mut entry = (row.since_ms.max(0) as u64).to_be_bytes().to_vec();
        entry.extend_from_slice(key.as_bytes());
        vec![(BY_BEGINNING, entry)]
    }
}
