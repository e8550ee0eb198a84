//! What operators did, as the events say it that stand beside what they changed something about: who, why, when, and what of.

use serde::{Deserialize, Serialize};

use crate::{
    ports::broker::HistoryId,
    records::{cloudevent::Envelope, todo::Work},
};

/// The body of such an event.
#[derive(Serialize, Deserialize)]
pub(crate) struct RecordedDeed<A> {
    pub(crate) actor: String,
    pub(crate) reason: Option<String>,
    /// RFC 3339, UTC.
    pub(crate) time: String,
    /// What it was done to.
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) about: A,
}

/// A parked to-do was tried again or given up. The fact itself stays with its owner; its names are enough to find it.
#[derive(Serialize, Deserialize)]
pub(crate) struct AboutParked {
    pub(crate) whose: String,
    pub(crate) key: String,
    pub(crate) what: String,
    pub(crate) waiting: usize,
    pub(crate) attempts: u32,
    pub(crate) since: String,
    pub(crate) trace: String,
    pub(crate) error: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fact: Option<NameOfFact>,
}

/// Which fact it was.
#[derive(Serialize, Deserialize)]
pub(crate) struct NameOfFact {
    pub(crate) id: String,
    pub(crate) source: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) sequence: u64,
}

/// A parked to-do was given up that this build cannot read.
#[derive(Serialize, Deserialize)]
pub(crate) struct AboutUnreadable {
    pub(crate) error: String,
    /// Its beginning.
    pub(crate) todo: String,
}

/// Facts are to be published again.
#[derive(Serialize, Deserialize)]
pub(crate) struct AboutRefill {
    pub(crate) refill: u64,
    pub(crate) subject: Option<String>,
}

/// A store's history parts from the one the broker has.
#[derive(Serialize, Deserialize)]
pub(crate) struct AboutAdoption {
    pub(crate) history: HistoryId,
    pub(crate) from: Option<HistoryId>,
    pub(crate) position: u64,
    pub(crate) orphans: u64,
}

/// What becomes of a parked to-do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Retry,
    Evict,
}

pub(crate) const UNREADABLE_EVICTED: &str = "bongsu.parked-todo-evicted";
pub(crate) const REPUBLICATION_ASKED: &str = "bongsu.republication-asked";
pub(crate) const HISTORY_ADOPTED: &str = "bongsu.history-adopted";

/// The name of the event about a parked to-do.
pub(crate) fn name_of(work: &Work, fate: Fate) -> &'static str {
    match (work, fate) {
        (Work::Facts(_) | Work::Waiting(_), Fate::Retry) => "bongsu.parked-fact-retried",
        (Work::Facts(_) | Work::Waiting(_), Fate::Evict) => "bongsu.parked-fact-evicted",
        (Work::Timer { .. }, Fate::Retry) => "bongsu.parked-timer-retried",
        (Work::Timer { .. }, Fate::Evict) => "bongsu.parked-timer-evicted",
        (Work::Job { .. }, Fate::Retry) => "bongsu.parked-activity-retried",
        (Work::Job { .. }, Fate::Evict) => "bongsu.parked-activity-evicted",
        (Work::Undo { .. }, Fate::Retry) => "bongsu.parked-undo-retried",
        (Work::Undo { .. }, Fate::Evict) => "bongsu.parked-undo-evicted",
        (Work::Scrub, Fate::Retry) => "bongsu.parked-scrub-retried",
        (Work::Scrub, Fate::Evict) => "bongsu.parked-scrub-evicted",
        (Work::Clock { .. } | Work::Walk, Fate::Retry) => "bongsu.parked-clock-retried",
        (Work::Clock { .. } | Work::Walk, Fate::Evict) => "bongsu.parked-clock-evicted",
    }
}

impl NameOfFact {
    pub(crate) fn of(envelope: &Envelope<'_>) -> Self {
        Self {
            id: envelope.id.to_string(),
            source: envelope.source.to_string(),
            kind: envelope.kind.to_string(),
            subject: envelope.subject.to_string(),
            sequence: envelope.sequence,
        }
    }
}
