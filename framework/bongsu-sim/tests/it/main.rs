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
mod timers;
mod clocks;
mod long;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bongsu_sim::{self as sim, Failure, Plan, Sim};

/// Some seed finds a planted bug, by a rule whose name begins so: a run that merely never ends well, or breaks another
/// rule, shows nothing of the rule that is there for it.
fn is_found_by<T, S, F>(bug: &str, rule: &str, seeds: Range<u64>, scenario: S)
where
    T: Send + 'static,
    S: Fn(Sim) -> F,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut others = Vec::new();
    for seed in seeds {
        match sim::run(seed, Plan::swarm(seed).bug(bug), &scenario).result {
            Err(Failure::Rule(why)) if why.starts_with(rule) => return,
            Err(other) => others.push(format!("{seed}: {other}")),
            Ok(_) => {}
        }
    }
    panic!("{bug} was not found by {rule:?}, but: {others:#?}");
}

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
