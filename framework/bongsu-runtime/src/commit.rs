//! The one way to write: an input's reads, events and documents become one Commit, and what this process believes of it.

pub(crate) mod core;
pub(crate) mod unit;
pub(crate) mod cache;
pub(crate) mod bounded;
pub(crate) mod turns;
pub(crate) mod fold;
pub(crate) mod partings;
pub(crate) mod planted;
