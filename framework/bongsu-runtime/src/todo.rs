//! The one mechanism for later: what is due is woken, run or tried again.

pub(crate) mod drainer;
pub(crate) mod attempt;
pub(crate) mod activity;
pub(crate) mod clock;
pub(crate) mod retry_fact;
pub(crate) mod newer;
