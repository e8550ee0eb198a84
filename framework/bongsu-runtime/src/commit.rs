//! The one way to write: an input's reads, events and documents become one Commit, and what this process believes of it.

pub(crate) mod core;
pub(crate) mod map;
pub(crate) mod rules;
pub(crate) mod unit;
pub(crate) mod submit;
pub(crate) mod attempt;
pub(crate) mod fail;
pub(crate) mod cache;
pub(crate) mod bounded;
pub(crate) mod due;
pub(crate) mod fold;
pub(crate) mod turns;
pub(crate) mod wanted;
pub(crate) mod snapshots;
pub(crate) mod leases;
pub(crate) mod health;
pub(crate) mod generations;
pub(crate) mod partings;
pub(crate) mod hears;
pub(crate) mod verdicts;
pub(crate) mod seats;
pub(crate) mod waiters;
pub(crate) mod schedule;
pub(crate) mod settings;
pub(crate) mod tasks;
