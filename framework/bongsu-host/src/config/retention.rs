//! A bound on what is kept, or none.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::within;

/// More than this is for ever, too; other languages read it as a number still.
const MOST: i64 = (1 << 53) - 1;

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
        match within::<_, i64, -1, MOST>(deserializer)? {
            -1 => Ok(Self(None)),
            0 => Err(D::Error::custom(format!("must be -1 (for ever) or at least 1, and at most {MOST}"))),
            bound => Ok(Self(Some(bound.cast_unsigned()))),
        }
    }
}
