//! Read models: which generation is shown, its rows, and filling another one beside it.

pub(crate) mod consumer;
pub(crate) mod shown;
pub(crate) mod rows;
pub(crate) mod waiters;
pub(crate) mod rebuild;
