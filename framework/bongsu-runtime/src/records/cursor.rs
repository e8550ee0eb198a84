//! Where a consumer stands in a partition.

use serde::{Deserialize, Serialize};

use crate::ports::{
    broker::{LogId, Partition},
    store::DocKey,
};

/// Where a lane stands, as kept in its cursor document.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// History of the broker the offset belongs to.
    #[serde(with = "hex")]
    pub(crate) log: LogId,
    /// Next offset.
    pub(crate) offset: u64,
    /// The refill it is in the midst of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refill: Option<u64>,
}

pub(crate) const CURSOR: &str = "cursor";

/// The cursor document of a consumer in a partition.
pub(crate) fn cursor_key(consumer: &str, partition: &Partition) -> DocKey {
    DocKey::of(CURSOR, format!("{consumer}/{}/{}", partition.topic, partition.index))
}

/// A history's name, in hex.
pub(crate) mod hex {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::LogId;

    pub(crate) fn serialize<S: Serializer>(log: &LogId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", log.0))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LogId, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        // Hexadecimal, as it is written above.
        u128::from_str_radix(&text, 16).map(LogId).map_err(D::Error::custom)
    }
}
