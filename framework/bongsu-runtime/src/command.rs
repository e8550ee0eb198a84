//! Requests: a command or a script becomes one Commit and one answer.

pub(crate) mod execute;
pub(crate) mod handlers;
pub(crate) mod script;
pub(crate) mod expire;
