//! What operators see and do: readiness, metrics, what is parked, publishing again, and opening a history.

pub(crate) mod readiness;
pub(crate) mod metrics;
pub(crate) mod note;
pub(crate) mod act;
pub(crate) mod parked;
pub(crate) mod forgetting;
pub(crate) mod republish;
pub(crate) mod adopt;
pub(crate) mod orphans;
pub(crate) mod operator;
