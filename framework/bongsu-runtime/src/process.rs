//! Processes: an instance is a stream of its inputs, stepped inside the unit that brings one.

pub(crate) mod instance;
pub(crate) mod step;
pub(crate) mod early;
