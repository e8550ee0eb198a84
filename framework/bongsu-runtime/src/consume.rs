//! Facts of others: fetched, put before their lane, and each one turned into a Commit.

pub(crate) mod fetch;
pub(crate) mod mailbox;
pub(crate) mod reader;
pub(crate) mod lane;
pub(crate) mod gap;
pub(crate) mod inbox;
pub(crate) mod queue;
pub(crate) mod policy;
pub(crate) mod forgets;
pub(crate) mod backoff;
