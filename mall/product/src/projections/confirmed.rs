//! How many orders of each product were confirmed, day by day: what goods are ranked by.

use std::collections::{BTreeMap, BTreeSet};

use bongsu_core::{Metadata, Projection, message};
use product_domain::{events::Line, ids::OrderId};
use serde::{Deserialize, Serialize};

/// So many days count, today with them.
pub const DAYS: i64 = 7;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// An order was confirmed.
#[message("ordering.order-confirmed", version = 1, key = order)]
pub struct OrderConfirmed {
    /// Which order.
    pub order: OrderId,
    /// What it is of.
    pub lines: Vec<Line>,
}

/// Orders by day since the Unix epoch, of the last [`DAYS`] days in which there was any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Day and orders.
    pub days: BTreeMap<i64, u64>,
}

/// A row for each sku that was ever bought.
pub struct Confirmed;

impl Projection for Confirmed {
    const NAME: &'static str = "confirmed";
    const VERSION: u32 = 1;
    type Event = OrderConfirmed;
    type Row = Row;

    /// Two lines of one product are one order.
    fn keys(event: &OrderConfirmed) -> Vec<String> {
        let skus: BTreeSet<&str> = event.lines.iter().map(|line| &*line.sku).collect();
        skus.into_iter().map(ToOwned::to_owned).collect()
    }

    /// What is older than the newest by more than counts is dropped, whichever is heard first.
    fn fold(_: &str, row: Option<Row>, _: &OrderConfirmed, metadata: &Metadata) -> Option<Row> {
        let mut days = row.unwrap_or_default().days;
        *days.entry(day(metadata.at_ms.unwrap_or_default())).or_default() += 1;
        let newest = days.keys().next_back().copied().unwrap_or_default();
        days.retain(|day, _| *day > newest - DAYS);
        Some(Row { days })
    }
}

impl Row {
    /// Orders of the last [`DAYS`] days.
    pub fn rank(&self, now_ms: i64) -> u64 {
        let today = day(now_ms);
        self.days.range(today - DAYS + 1..).map(|(_, orders)| orders).sum()
    }
}

fn day(at_ms: i64) -> i64 {
    at_ms.div_euclid(DAY_MS)
}
