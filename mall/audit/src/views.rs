//! What can be read, folded from the audit's own facts: the orders about which the contexts disagree now, and how many
//! orders were ever heard of.

use bongsu_core::{Messages, Metadata, Projection, digest};
use serde::{Deserialize, Serialize};

use crate::{OrderConsistent, OrderInconsistent, OrderWatched, heard::OrderId, rules::Finding};

/// The orders that are inconsistent now, and since when: a row each, gone when the contexts agree.
pub struct Disagreements;

/// An order about which the contexts disagree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub order: OrderId,
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
                Some(Row { order: key.into(), findings: e.findings.clone(), since_ms: e.since_ms })
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

/// How many orders were ever heard of, so that an empty list can be told from an audit that hears nothing.
pub struct OrdersHeard;

/// Orders are counted in so many rows, so that lanes seldom write the same one.
const SHARDS: u128 = 16;

/// So many orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Heard of, of this shard.
    pub orders: u64,
}

impl Projection for OrdersHeard {
    const NAME: &'static str = "orders-heard";
    const VERSION: u32 = 1;
    type Event = OrderWatched;
    type Row = Count;

    fn keys(event: &OrderWatched) -> Vec<String> {
        vec![format!("{:02}", digest(&[&event.order]) % SHARDS)]
    }

    fn fold(_: &str, row: Option<Count>, _: &OrderWatched, _: &Metadata) -> Option<Count> {
        Some(Count { orders: row.unwrap_or_default().orders + 1 })
    }
}
