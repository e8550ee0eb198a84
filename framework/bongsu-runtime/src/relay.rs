//! From this store to the broker: whether both have one history, and what is published.

pub(crate) mod stop;
pub(crate) mod history;
pub(crate) mod agree;
pub(crate) mod watch;
pub(crate) mod publish;
pub(crate) mod republish;
pub(crate) mod topics;
