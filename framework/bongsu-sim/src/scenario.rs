//! What a scenario has in its hands: the run, its nodes, and the list of what must have been met.

pub(crate) mod node;
pub(crate) mod handle;
pub(crate) mod ledger;
