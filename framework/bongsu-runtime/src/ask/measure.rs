//! What is counted of calls to others, and how it is shown.

use std::sync::atomic::{AtomicU64, Ordering};

use bongsu_breaker::Shown;

use crate::{
    ask::{peer::Known, question::Unanswered},
    ports::metric::{Metric, Value},
};

/// The words for what a call came to, in the order in which they are counted.
const ENDS: [&str; 7] = ["answered", "late", "lost", "failed", "open", "busy", "no-time"];

/// Since the start of the process.
#[derive(Default)]
pub(crate) struct Counts {
    ends: [AtomicU64; ENDS.len()],
    again: AtomicU64,
    instead: AtomicU64,
}

type Reads = fn(&Shown<&'static str>) -> Value;

/// Figures of each breaker, named as those of a gateway.
const FIGURES: [(&str, &str, Reads); 6] = [
    ("bongsu_ask_breaker_state", "0: closed, 1: half-open, 2: open.", |one| Value::Gauge(one.state.number())),
    ("bongsu_ask_breaker_calls", "Calls in the window that came to something.", |one| gauge(one.calls.into())),
    ("bongsu_ask_breaker_failed_calls", "Those of them that failed.", |one| gauge(one.failed.into())),
    ("bongsu_ask_breaker_slow_calls", "Those of them that were slow.", |one| gauge(one.slow.into())),
    ("bongsu_ask_breaker_unanswered_calls", "Calls that are not answered yet.", |one| gauge(one.unanswered as u64)),
    ("bongsu_ask_breaker_openings", "How often it has opened.", |one| Value::Counter(one.opened)),
];

impl Counts {
    pub(crate) fn note(&self, ended: Result<(), &Unanswered>) {
        let word = ended.map_or_else(Unanswered::word, |()| ENDS[0]);
        let counted = ENDS.iter().zip(&self.ends).find(|(end, _)| **end == word);
        counted.into_iter().for_each(|(_, count)| add(count));
    }

    /// A call is made again.
    pub(crate) fn again(&self) {
        add(&self.again);
    }

    /// Something else was taken for the answer.
    pub(crate) fn instead(&self) {
        add(&self.instead);
    }
}

/// Metrics of all who are asked, those of a name together.
pub(crate) fn all<'k>(peers: impl Iterator<Item = &'k Known>) -> Vec<Metric> {
    let peers: Vec<(&Known, Shown<&'static str>)> = peers.map(|peer| (peer, peer.gate.show())).collect();
    let ended = peers.iter().flat_map(|(peer, _)| {
        let ends = ENDS.iter().zip(&peer.counts.ends);
        ends.map(|(end, count)| {
            Metric::new("bongsu_asks", "Calls to another service, by what they came to.", counter(count))
                .of("asked", peer.name)
                .of("end", *end)
        })
    });
    let again = peers.iter().map(|(peer, _)| {
        Metric::new("bongsu_ask_repeats", "Calls that broke and were made again.", counter(&peer.counts.again))
            .of("asked", peer.name)
    });
    let instead = peers.iter().map(|(peer, _)| {
        let help = "Calls for whose answer something else was taken.";
        Metric::new("bongsu_ask_fallbacks", help, counter(&peer.counts.instead)).of("asked", peer.name)
    });
    let figures = FIGURES.iter().flat_map(|(name, help, read)| {
        peers.iter().map(move |(peer, shown)| Metric::new(name, help, read(shown)).of("asked", peer.name))
    });
    let reasons = peers.iter().filter_map(|(peer, shown)| {
        let why = shown.why.clone()?;
        let metric = Metric::new("bongsu_ask_breaker_reason", "Why it opened last.", Value::Gauge(1));
        Some(metric.of("asked", peer.name).of("reason", why))
    });
    ended.chain(again).chain(instead).chain(figures).chain(reasons).collect()
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn counter(count: &AtomicU64) -> Value {
    Value::Counter(count.load(Ordering::Relaxed))
}

fn gauge(count: u64) -> Value {
    Value::Gauge(i64::try_from(count).unwrap_or(i64::MAX))
}
