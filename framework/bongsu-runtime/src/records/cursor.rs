//! Where a consumer stands in a partition.

use serde::{Deserialize, Serialize};

use crate::ports::{broker::Partition, store::DocKey};

/// Where a lane stands, as kept in its cursor document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// History of the broker the offset belongs to, in hex.
    pub(crate) log: String,
    /// Next offset.
    pub(crate) offset: u64,
    /// The refill it is in the midst of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refill: Option<u64>,
}

pub(crate) const CURSOR: &str = "cursor";

/// The cursor document of a consumer in a partition.
pub(crate) fn cursor_key(consumer: &str, partition: &Partition) -> DocKey {
    DocKey::new(CURSOR, format!("{consumer}/{}/{}", partition.topic, partition.index))
}
