//! How many orders were ever heard of, so that an empty list can be told from an audit that hears nothing.

use bongsu_core::{Metadata, Projection, digest};
use serde::{Deserialize, Serialize};

use crate::facts::OrderWatched;

/// Counts orders.
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
