//! Facts on their way into a rebuild, and where each stands.

use bytes::Bytes;

use crate::ports::broker::Partition;

/// One fact.
pub(crate) struct Fact {
    pub(crate) place: Place,
    pub(crate) cloudevent: Bytes,
    /// In the history of who published it: position and era, see [`crate::records::seen::Stand`].
    pub(crate) published: (u64, u32),
    /// Nothing is to become of it.
    pub(crate) passed: bool,
}

/// Where it stands.
pub(crate) enum Place {
    /// In this context's own store; `last` of its event's facts.
    Feed { position: u64, last: bool },
    /// In the broker; the refill its partition is in the midst of behind it.
    Partition { partition: Partition, offset: u64, refill: Option<u64> },
}

impl Place {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Feed { position, .. } => format!("position {position}"),
            Self::Partition { partition, offset, .. } => format!("{}/{}@{offset}", partition.topic, partition.index),
        }
    }
}
