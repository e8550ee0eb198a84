//! How far consumers say they are. Kept in memory only: they say it again soon.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;

use super::index::Index;
use crate::wire::{Place, Report};

/// Consumers and partitions remembered; more are ignored.
const MOST: usize = 100_000;

/// Longest name remembered, in bytes.
const LONGEST_NAME: usize = 255;

/// Everybody's positions.
#[derive(Default)]
pub(crate) struct Consumers(Mutex<BTreeMap<(String, String, u32), u64>>);

/// One position, as people see it.
#[derive(Serialize)]
pub(crate) struct Position {
    consumer: String,
    topic: String,
    partition: u32,
    offset: u64,
    lag: Option<u64>,
}

impl Consumers {
    pub(crate) fn take(&self, report: Report<'_>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nameable = |place: &Place<'_>| report.consumer.len().max(place.topic.len()) <= LONGEST_NAME;
        for place in report.positions.into_iter().filter(nameable) {
            let key = (report.consumer.clone().into_owned(), place.topic.into_owned(), place.partition);
            if known.len() < MOST || known.contains_key(&key) {
                known.insert(key, place.offset);
            }
        }
    }

    /// All positions with their distance to the end.
    pub(crate) fn show(&self, index: &Index) -> Vec<Position> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let shown = known.into_iter().map(|((consumer, topic, partition), offset)| {
            let end = index.topic(&topic).and_then(|topic| Ok(topic.bound(partition)?.get().1)).ok();
            Position { consumer, lag: end.map(|end| end.saturating_sub(offset)), topic, partition, offset }
        });
        shown.collect()
    }
}
