//! How an operator sets the breakers of a gateway, and what they are for. What a breaker does is `bongsu-breaker`.

use std::fmt;

pub use bongsu_breaker::{Kind, Rules};
use bongsu_host::config::within;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// What turns all breakers off.
const OFF: &str = "off";

/// What a breaker is for: a path of the table, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Door {
    /// Whose path it is.
    pub service: String,
    /// The path, as the table of routes has it.
    pub route: String,
}

/// A breaker of a gateway at one moment.
pub type Shown = bongsu_breaker::Shown<Door>;

/// [`Rules`] as they are written, the same for every breaker of a gateway.
#[derive(Deserialize)]
#[serde(remote = "Rules", deny_unknown_fields, default = "Rules::default")]
struct Written {
    /// So many failures in a row open it; 0: not watched.
    #[serde(deserialize_with = "within::<_, _, 0, 1_000>")]
    pub consecutive: u32,
    /// It opens when so many of a hundred calls in the window failed; 0: not watched.
    #[serde(deserialize_with = "within::<_, _, 0, 100>")]
    pub failed_percent: u32,
    /// A share of fewer calls than these says nothing.
    #[serde(deserialize_with = "within::<_, _, 1, 100_000>")]
    pub least: u32,
    /// How long calls are remembered.
    #[serde(deserialize_with = "within::<_, _, 100, 600_000>")]
    pub window_ms: u64,
    /// A service that has had a whole request for longer is slow.
    #[serde(deserialize_with = "within::<_, _, 1, 86_400_000>")]
    pub slow_ms: u64,
    /// It opens when so many of a hundred calls in the window were slow; 0: not watched.
    #[serde(deserialize_with = "within::<_, _, 0, 100>")]
    pub slow_percent: u32,
    /// How long it stays open; after every round of probes that failed twice as long.
    #[serde(deserialize_with = "within::<_, _, 10, 600_000>")]
    pub open_ms: u64,
    /// But never longer.
    #[serde(deserialize_with = "within::<_, _, 10, 3_600_000>")]
    pub open_at_most_ms: u64,
    /// So many calls are let through half-open, and all of them must be answered well.
    #[serde(deserialize_with = "within::<_, _, 1, 1_000>")]
    pub probes: u32,
    /// A probe that says nothing for so long holds up no other.
    #[serde(deserialize_with = "within::<_, _, 10, 600_000>")]
    pub lease_ms: u64,
    /// So many calls may be unanswered at once; one more is refused.
    #[serde(deserialize_with = "within::<_, _, 1, 1_048_576>")]
    pub at_once: usize,
}

/// `"off"`, or a table.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rules>, D::Error> {
    deserializer.deserialize_any(OffOrRules)
}

/// As [`read`] reads it.
pub(crate) fn write<S: Serializer>(rules: &Option<Rules>, serializer: S) -> Result<S::Ok, S::Error> {
    match rules {
        Some(rules) => rules.serialize(serializer),
        None => serializer.serialize_str(OFF),
    }
}

struct OffOrRules;

impl<'de> Visitor<'de> for OffOrRules {
    type Value = Option<Rules>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{OFF}\" or a table like {{ consecutive = 5 }}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        match text {
            OFF => Ok(None),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let rules = Written::deserialize(MapAccessDeserializer::new(map))?;
        match rules.nonsense() {
            Some(why) => Err(A::Error::custom(format!("breaker: {why}; none at all are breaker = \"{OFF}\""))),
            None => Ok(Some(rules)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read_json(value: Value) -> Result<Option<Rules>, String> {
        read(value).map_err(|why| why.to_string())
    }

    #[test]
    fn breakers_are_off_or_a_table_of_numbers_within_their_ranges() {
        assert_eq!(read_json(json!("off")), Ok(None));
        assert_eq!(read_json(json!({})), Ok(Some(Rules::default())));
        let three = Rules { consecutive: 3, ..Rules::default() };
        assert_eq!(read_json(json!({ "consecutive": 3 })), Ok(Some(three)));
        for rules in [None, Some(Rules::default())] {
            assert_eq!(read(write(&rules, serde_json::value::Serializer).unwrap()).unwrap(), rules);
        }
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let cases = [
            (json!("on"), "\"off\" or a table"),
            (json!(5), "\"off\" or a table"),
            (json!({ "failed_percent": 101 }), "from 0 to 100, not 101"),
            (json!({ "probes": 0 }), "from 1 to 1000, not 0"),
            (json!({ "window_ms": 1.5 }), "from 100 to 600000"),
            (json!({ "consecutiv": 5 }), "unknown field `consecutiv`"),
            (
                json!({ "open_ms": 5_000, "open_at_most_ms": 1_000 }),
                "open_at_most_ms (1000) is less than open_ms (5000)",
            ),
            (json!({ "consecutive": 0, "failed_percent": 0, "slow_percent": 0 }), "nothing would open it"),
        ];
        for (written, why) in cases {
            let refused = read_json(written.clone()).expect_err(&written.to_string());
            assert!(refused.contains(why), "{written}: {refused}");
        }
    }
}
