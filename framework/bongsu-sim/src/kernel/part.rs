//! What a node talks to through a port, as faults see it.

use crate::kernel::plan::{Faults, PortFaults};

/// Which faults apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Store,
    Broker,
    Http,
}

/// One store, broker or outside party.
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    /// Down as a whole until then.
    pub(crate) down_until: u64,
}

/// Names a part.
pub(crate) type PartId = usize;

impl Kind {
    /// The faults of ports of this kind.
    pub(crate) fn faults(self, of: &Faults) -> &PortFaults {
        match self {
            Self::Store => &of.store,
            Self::Broker => &of.broker,
            Self::Http => &of.http,
        }
    }
}
