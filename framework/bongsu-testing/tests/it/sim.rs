//! The simulator: its loop, its ports, and a small relay of two services under its faults.

mod engine;
mod nodes;
mod faults;
mod pipeline;
mod rules;
mod service;
mod snapshots;
mod poison;
mod refill;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Counts its drops: what a task holds while it waits.
struct Held(Arc<AtomicU64>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A CloudEvent as brokers want it.
fn cloudevent(source: &str, id: &str, subject: &str, key: &str, sequence: u64) -> bytes::Bytes {
    let kind = format!("{source}.happened.v1");
    let event = serde_json::json!({
        "specversion": "1.0", "id": id, "source": source, "type": kind, "subject": subject,
        "partitionkey": key, "sequence": sequence, "data": {},
    });
    event.to_string().into()
}
