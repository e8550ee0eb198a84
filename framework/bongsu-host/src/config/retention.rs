//! A bound on what is kept, or none.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// How much is kept; -1 is for ever, as in Kafka, and 0 would be nothing at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention(Option<u64>);

impl Retention {
    /// The bound; `None` = for ever.
    pub fn bound(self) -> Option<u64> {
        self.0
    }
}

impl Serialize for Retention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = self.0.map_or(-1, |bound| i64::try_from(bound).unwrap_or(i64::MAX));
        serializer.serialize_i64(number)
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            -1 => Ok(Self(None)),
            bound if bound > 0 => Ok(Self(Some(bound.cast_unsigned()))),
            _ => Err(D::Error::custom("must be -1 (for ever) or at least 1")),
        }
    }
}
