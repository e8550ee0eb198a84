//! How to-dos are named: those of one thing are one.

use std::fmt;

use bongsu_core::EffectId;

use crate::{
    ports::{broker::partition_of, store::id_of},
    records::{lease::Resource, seen::storable},
};

/// The id of a to-do, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TodoId(String);

/// How many drainers can share the work: more instances than one context has, and few enough that one alone holds all of
/// them with a lease each. Fixed, because it stands in the index of every to-do.
pub(crate) const SHARDS: u32 = 8;

const JOB: &str = "job/";
const ORPHAN: &str = "orphan/";
const FACT: &str = "fact/";
const BESIDE: &str = "beside/";

impl TodoId {
    /// A timer of a process.
    pub(crate) fn timer(process: &str, key: &str, name: &str) -> Self {
        Self(format!("timer/{process}/{key}/{name}"))
    }

    /// What an activity does after an event.
    pub(crate) fn job(activity: &str, stream: &str, version: u64) -> Self {
        Self(format!("{JOB}{activity}/{stream}@{version}"))
    }

    /// An undo that was refused.
    pub(crate) fn undo(process: &str, key: &str, EffectId { input, ordinal }: EffectId) -> Self {
        Self(format!("undo/{process}/{key}/{input}.{ordinal}"))
    }

    /// The inputs of one process instance that wait for its start.
    pub(crate) fn early(process: &str, key: &str) -> Self {
        Self(format!("wait/{process}/{key}"))
    }

    /// An input that found that list full.
    pub(crate) fn over(process: &str, key: &str, number: u64) -> Self {
        Self(format!("over/{process}/{key}/{number:020}"))
    }

    /// The next firing of a clock.
    pub(crate) fn clock(clock: &str) -> Self {
        Self(format!("clock/{clock}"))
    }

    /// Snapshots of everything that changed.
    pub(crate) fn walk() -> Self {
        Self("walk/0".to_owned())
    }

    /// Ridding the store's files of what is deleted of somebody. One for each: whoever is forgotten while it is done for another
    /// may still be in the files then.
    pub(crate) fn scrub(whom: &str) -> Self {
        Self(format!("scrub/{}", storable(whom)))
    }

    /// A fact that is orphaned and was acted on.
    pub(crate) fn orphan(consumer: &str, source: &str, subject: &str, position: u64) -> Self {
        Self(format!("{ORPHAN}{consumer}/{source}/{subject}@{position}"))
    }

    /// The context whose adoption left this note, if it is one.
    pub(crate) fn adopted_by(&self) -> Option<&str> {
        self.0.strip_prefix(ORPHAN)?.split('/').nth(1)
    }

    /// The facts of a partition key that wait.
    pub(crate) fn queue(consumer: &str, key: &str) -> Self {
        Self(format!("{FACT}{consumer}/{}", storable(key)))
    }

    /// The queue beside one whose head cannot be read.
    pub(crate) fn beside(&self) -> Self {
        Self(format!("{BESIDE}{}", self.0.strip_prefix(FACT).unwrap_or(&self.0)))
    }

    /// The queue that one beside it waits for.
    pub(crate) fn waits_for(&self) -> Option<Self> {
        self.0.strip_prefix(BESIDE).map(|rest| Self(format!("{FACT}{rest}")))
    }

    /// As somebody wrote it, who saw it among the to-dos.
    pub(crate) fn said(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The one that a cursor of an index stands at.
    pub(crate) fn at(cursor: &[u8]) -> Option<Self> {
        id_of(cursor).map(Self::said)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an activity's.
    pub(crate) fn is_job(&self) -> bool {
        self.0.starts_with(JOB)
    }

    /// Which part of the to-dos it is in.
    pub(crate) fn shard(&self) -> u32 {
        partition_of(&self.0, SHARDS)
    }

    /// What is held by whoever may do it.
    pub(crate) fn lease(&self) -> Resource {
        Resource::Shard(self.shard())
    }
}

impl fmt::Display for TodoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the queues of a consumer start with.
pub(crate) fn queues_of(consumer: &str) -> String {
    format!("{FACT}{consumer}/")
}

/// What those beside them start with.
pub(crate) fn queues_beside(consumer: &str) -> String {
    format!("{BESIDE}{consumer}/")
}
