//! What is stored, and under which name: the runtime's documents, one file each.
//!
//! Two builds may share a store, so whatever one writes the other must be able to read, or to leave alone.

pub(crate) mod tables;
pub(crate) mod unreadable;
pub(crate) mod message;
pub(crate) mod cloudevent;
pub(crate) mod token;
pub(crate) mod cursor;
pub(crate) mod seen;
pub(crate) mod queue;
pub(crate) mod early;
pub(crate) mod forgotten;
pub(crate) mod todo;
pub(crate) mod todo_id;
pub(crate) mod once;
pub(crate) mod step;
pub(crate) mod lease;
pub(crate) mod snapshot;
pub(crate) mod generation;
pub(crate) mod rebuild;
pub(crate) mod relay;
pub(crate) mod republish;
pub(crate) mod history;
pub(crate) mod deed;

#[cfg(test)]
mod tests;
