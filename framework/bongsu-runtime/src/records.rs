//! What is stored, and under which name: the documents of the runtime, one file each.
//!
//! Two builds may share a store, so nothing here changes without the other being able to read it.

pub(crate) mod cloudevent;
pub(crate) mod token;
pub(crate) mod seen;
pub(crate) mod todo;
