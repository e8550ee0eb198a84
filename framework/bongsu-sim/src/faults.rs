//! The ports of a run, and what goes wrong at them: each an adapter in memory behind a network that refuses, loses
//! and is late.

pub(crate) mod port;
pub(crate) mod store;
pub(crate) mod broker;
pub(crate) mod http;
mod mutants;
pub(crate) mod weather;
