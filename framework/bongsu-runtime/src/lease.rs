//! Who does what among the instances of one service: leases in the service's own store.

pub(crate) mod keeper;
pub(crate) mod assign;
pub(crate) mod outbid;
pub(crate) mod leave;
