//! To-dos: the one mechanism behind durable timers, activity jobs, retried and parked facts, and inputs that
//! wait for their process to start. One table, one index on due, one drainer.

use bongsu_core::Ctx;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    ports::store::{DocBody, DocKey},
    records::{
        early::Early,
        message::{Message, RecordedMessage},
        queue::Queue,
        todo_id::TodoId,
        unreadable::{Unreadable, read},
    },
};

/// Something to be done later, kept as a document until it is done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Todo {
    /// What.
    pub(crate) work: Work,
    /// How often it was tried and failed.
    pub(crate) attempts: u32,
    /// When to try (again): milliseconds since the Unix epoch.
    pub(crate) due_ms: i64,
    /// Given up until a person says otherwise, or, if `newer`, another build can do it.
    pub(crate) parked: bool,
    /// Parked until a build that knows what it is about comes: newer than the one that tried it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) newer: bool,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// When it was first written down.
    pub(crate) since_ms: i64,
}

/// What a failed attempt means for what was tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It counts; after some it is parked.
    Counts,
    /// No other attempt makes sense: parked at once.
    ForGood,
    /// It waits for a build that knows what this one does not.
    Newer,
}

/// The kinds of to-do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// Wakes a process.
    Timer {
        /// Process.
        process: String,
        /// Instance.
        key: String,
        /// Timer.
        name: String,
        /// Whose deed set it.
        ctx: Ctx,
    },
    /// Runs an activity.
    Job {
        /// Activity.
        activity: String,
        /// `stream@version` of the event.
        key: String,
        /// The event.
        event: RecordedMessage,
        /// Whose deed asked for it.
        ctx: Ctx,
        /// What it brought, if that could not be stored: it is not run again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<RecordedOutcome>,
    },
    /// Facts of one key that could not be handled, in order. Written under a name that earlier releases, which would
    /// take it for an empty list, do not read.
    #[serde(rename = "queue", alias = "facts")]
    Facts(Queue),
    /// Undoes what a process did: parked from the start, because it was refused when the process unwound.
    Undo {
        /// Process.
        process: String,
        /// Instance.
        key: String,
        /// What undoes it.
        command: RecordedMessage,
        /// Whose deed it was.
        ctx: Ctx,
    },
    /// Fires by the wall clock, again and again.
    Clock {
        /// Clock.
        clock: String,
        /// The moment of its schedule that is due.
        at_ms: i64,
    },
    /// Takes snapshots of everything that changed.
    Walk,
    /// Rids the store's files of what was deleted when somebody was forgotten.
    Scrub,
    /// Inputs that came before their process started. Written under a name that earlier releases, which would take it
    /// for an empty list, do not read.
    #[serde(rename = "early", alias = "waiting")]
    Waiting(Early),
}

/// What an activity brought.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RecordedOutcome {
    /// Type of the command.
    pub(crate) kind: String,
    /// The command; absent when it is too large to be kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<RecordedMessage>,
}

/// The table of to-dos.
pub(crate) const TODO: &str = "todo";
/// Index on (shard, due) of timers and failed facts.
pub(crate) const BY_DUE: u16 = 0;
/// The same of activity jobs: apart, so that a backlog of slow jobs never delays a timer.
pub(crate) const JOBS_BY_DUE: u16 = 2;
/// Index of what is parked. The numbers of indexes are stored, and never change.
pub(crate) const PARKED: u16 = 1;
/// Index on shard of what waits for a newer build; each is in [`PARKED`], too.
pub(crate) const NEWER: u16 = 3;
/// Attempts of a fact or a timer before it is parked. With their pauses they take a second and a half: what passes by itself
/// has passed by then, and its key waits for no longer.
const ATTEMPTS: u32 = 5;
/// Attempts of an activity, or of ridding files, before it needs a person: with pauses of up to five seconds, most of a day.
const JOB_ATTEMPTS: u32 = 10_000;
/// Most facts kept behind one failing fact; beyond it the lane waits: a key with more is not that of one thing,
/// and the queue's document, which counts them, is written with each.
pub(crate) const MAX_QUEUED: usize = 1_000;

/// One list of to-dos in order of due: a part of them, in one of the indexes on due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct List {
    pub(crate) shard: u32,
    pub(crate) index: u16,
}

impl Todo {
    pub(crate) fn key(id: &TodoId) -> DocKey {
        DocKey::of(TODO, id.as_str())
    }

    pub(crate) fn decode(data: &[u8]) -> Result<Self, Unreadable> {
        read("a to-do", data)
    }

    pub(crate) fn timer(process: &str, key: &str, name: &str, at_ms: i64, ctx: &Ctx) -> Self {
        let work = Work::Timer { process: process.into(), key: key.into(), name: name.into(), ctx: ctx.clone() };
        Self::new(work, at_ms, ctx.now_ms)
    }

    pub(crate) fn clock(clock: &str, at_ms: i64, now_ms: i64) -> Self {
        Self::new(Work::Clock { clock: clock.into(), at_ms }, at_ms, now_ms)
    }

    pub(crate) fn walk(now_ms: i64) -> Self {
        Self::new(Work::Walk, now_ms, now_ms)
    }

    pub(crate) fn scrub(now_ms: i64) -> Self {
        Self::new(Work::Scrub, now_ms, now_ms)
    }

    pub(crate) fn job(activity: &str, stream: &str, version: u64, event: &Message, ctx: &Ctx, now_ms: i64) -> Self {
        let key = format!("{stream}@{version}");
        let work = Work::Job {
            activity: activity.into(),
            key,
            event: RecordedMessage::of(event),
            ctx: ctx.clone(),
            outcome: None,
        };
        Self::new(work, now_ms, now_ms)
    }

    pub(crate) fn facts(consumer: &str, key: &str, now_ms: i64) -> Self {
        let work = Work::Facts(Queue::new(consumer, key));
        Self::new(work, now_ms, now_ms)
    }

    /// An undo that was refused: for a person.
    pub(crate) fn undo(process: &str, key: &str, command: &Message, reason: &str, ctx: &Ctx) -> Self {
        let work = Work::Undo {
            process: process.into(),
            key: key.into(),
            command: RecordedMessage::of(command),
            ctx: ctx.clone(),
        };
        let todo = Self::new(work, ctx.now_ms, ctx.now_ms);
        Self { attempts: 1, parked: true, error: Some(reason.to_owned()), ..todo }
    }

    /// Inputs that wait: in no due index until their process starts.
    pub(crate) fn waiting(early: Early, now_ms: i64) -> Self {
        Self::new(Work::Waiting(early), i64::MAX, now_ms)
    }

    /// The document's body: a parked or waiting to-do is in no due index, so the drainer never meets it.
    pub(crate) fn body(&self, id: &TodoId) -> DocBody {
        let due = due_key(id.shard(), self.due_ms);
        let index = match &self.work {
            _ if self.newer => vec![(PARKED, parked_key(id)), (NEWER, due)],
            _ if self.parked => vec![(PARKED, parked_key(id))],
            Work::Waiting(_) if self.due_ms == i64::MAX => Vec::new(),
            Work::Job { .. } => vec![(JOBS_BY_DUE, due)],
            _ => vec![(BY_DUE, due)],
        };
        DocBody { data: serde_json::to_vec(self).expect("a to-do has string keys and encodes as JSON").into(), index }
    }

    /// Whether it is to be done now. Whoever acts on a to-do asks this of what it read last: it may have been moved or
    /// parked since it was found. What waits for a newer build may be tried at any time.
    pub(crate) fn is_due(&self, now_ms: i64) -> bool {
        self.newer || !self.parked && self.due_ms <= now_ms
    }

    /// Notes a failed attempt, whatever it means.
    pub(crate) fn note(&mut self, why: &str, how: Failed, now_ms: i64, cap_ms: i64) {
        let most = match (&self.work, how) {
            // Several inputs failed together: then they are tried one by one.
            (Work::Waiting(_), Failed::ForGood | Failed::Newer) if self.attempts == 0 => ATTEMPTS,
            (_, Failed::Newer) => return self.wait_for_newer(why.to_owned()),
            (_, Failed::ForGood) => 1,
            (Work::Job { .. } | Work::Scrub, Failed::Counts) => JOB_ATTEMPTS,
            (_, Failed::Counts) => ATTEMPTS,
        };
        self.failed(why.to_owned(), most, now_ms, cap_ms);
    }

    /// Parks it until a newer build comes. The attempt does not count: nothing is wrong with it.
    fn wait_for_newer(&mut self, error: String) {
        self.parked = true;
        self.newer = true;
        self.error = Some(clipped(error, MAX_ERROR));
    }

    /// Is parked no longer.
    pub(crate) fn resume(&mut self) {
        self.parked = false;
        self.newer = false;
    }

    /// Counts its attempts from here: what failed is done.
    pub(crate) fn begin_anew(&mut self) {
        self.attempts = 0;
        self.error = None;
    }

    /// Notes a failed attempt: tried again with doubling pauses, parked after `most` attempts.
    fn failed(&mut self, error: String, most: u32, now_ms: i64, cap_ms: i64) {
        self.attempts += 1;
        self.newer = false;
        let pause = FIRST_PAUSE_MS.saturating_mul(1 << self.attempts.min(DOUBLINGS)).min(cap_ms);
        self.due_ms = now_ms + pause;
        self.parked = self.attempts >= most;
        self.error = Some(clipped(error, MAX_ERROR));
    }

    /// The queue of facts, if it is one.
    pub(crate) fn queue(&self) -> Option<&Queue> {
        match &self.work {
            Work::Facts(queue) => Some(queue),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn queue_mut(&mut self) -> Option<&mut Queue> {
        match &mut self.work {
            Work::Facts(queue) => Some(queue),
            _ => None,
        }
    }

    fn new(work: Work, due_ms: i64, since_ms: i64) -> Self {
        Self { work, attempts: 0, due_ms, parked: false, newer: false, error: None, since_ms }
    }
}

/// So much of an error is kept, in bytes: what is said of a failure must fit into a document, always.
const MAX_ERROR: usize = 4_096;
/// The first pause after a failed attempt, which the next ones double: longer than a Commit of somebody else is in the way,
/// and no person waits longer for it.
const FIRST_PAUSE_MS: i64 = 50;
/// After so many doublings any cap is reached.
const DOUBLINGS: u32 = 20;

impl List {
    /// The one a to-do is in while it is due some time.
    pub(crate) fn of(id: &TodoId) -> Self {
        Self { shard: id.shard(), index: if id.is_job() { JOBS_BY_DUE } else { BY_DUE } }
    }

    /// Both lists of a shard.
    pub(crate) fn of_shard(shard: u32) -> [Self; 2] {
        [BY_DUE, JOBS_BY_DUE].map(|index| Self { shard, index })
    }

    /// Whether activities are in it.
    pub(crate) fn is_of_jobs(self) -> bool {
        self.index == JOBS_BY_DUE
    }
}

/// The beginning of a text.
pub(crate) fn clipped(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

/// The index entries of what this build cannot read: due then, and shown as parked until.
pub(crate) fn unreadable_index(id: &TodoId, due_ms: i64) -> Vec<(u16, Bytes)> {
    let List { shard, index } = List::of(id);
    vec![(index, due_key(shard, due_ms)), (PARKED, parked_key(id))]
}

fn parked_key(id: &TodoId) -> Bytes {
    Bytes::copy_from_slice(id.as_str().as_bytes())
}

/// The key of the due index; sorts by shard, then time.
pub(crate) fn due_key(shard: u32, due_ms: i64) -> Bytes {
    let mut key = vec![shard as u8];
    key.extend_from_slice(&(due_ms.max(0) as u64).to_be_bytes());
    key.into()
}
