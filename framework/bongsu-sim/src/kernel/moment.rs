//! What a watching rule is shown, and what it answers.

use bongsu_runtime::ports::{
    broker::Out,
    store::{CommitId, DocKey},
};

/// How many things a rule looked at, or what is wrong.
pub type Checked = Result<u64, String>;

/// What has just happened.
#[derive(Clone, Copy, Debug)]
pub enum Moment<'a> {
    /// A Commit was applied; its caller does not know yet.
    Committed {
        /// In this store.
        store: &'static str,
        /// This one.
        commit: CommitId,
        /// Sent by this node.
        by: &'a str,
        /// What it put or deleted.
        wrote: &'a [DocKey],
    },
    /// A batch has reached a broker and will be readable in the next moment.
    Published {
        /// This broker.
        broker: &'static str,
        /// These messages.
        batch: &'a [Out],
    },
    /// A node has died: what is durable now is all that is left of it.
    Crashed(&'a str),
    /// All faults have ended, and every clock shows this: from here on nothing is an excuse.
    Healed {
        /// Milliseconds since the Unix epoch.
        wall_ms: i64,
    },
}

/// A rule that watches a run.
pub(crate) struct Watch {
    pub(crate) name: &'static str,
    pub(crate) rule: Box<dyn FnMut(&Moment<'_>) -> Checked + Send>,
}
