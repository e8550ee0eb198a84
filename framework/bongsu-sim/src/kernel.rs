//! Time, chance and tasks of a run: what it is in, and nothing of what is done in it.

pub(crate) mod trace;
pub(crate) mod chance;
pub(crate) mod plan;
pub(crate) mod outcome;
pub(crate) mod moment;
pub(crate) mod timers;
pub(crate) mod tasks;
pub(crate) mod part;
pub(crate) mod core;
pub(crate) mod env;
pub(crate) mod executor;
pub(crate) mod log;
