//! The history of a service's store: its name, what it came from, and which messages a parting left without one.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ports::{env::Env, store::CommitId};

/// Names one history of a store; 32 hexadecimal digits where it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HistoryId(pub u128);

impl HistoryId {
    /// A new one, which no other store has.
    pub(crate) fn drawn(env: &dyn Env) -> Self {
        Self(u128::from(env.random()) << u64::BITS | u128::from(env.random()))
    }
}

/// A place in a history: an event, one of its facts, and the Commit that wrote it. A position alone does not say which
/// event it is: a copy of a store goes on with the same numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Of the event; 0 is before the first.
    pub position: u64,
    /// Among the facts of that event.
    #[serde(default)]
    pub ordinal: u32,
    /// The Commit; `None` when nobody noted it.
    #[serde(default, with = "hex", skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
}

/// Where a history began that is not the first of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parting {
    /// The history it came from.
    pub from: HistoryId,
    /// The last event that both have; 0 when they have none.
    pub position: u64,
    /// The Commit that wrote it.
    #[serde(default, with = "hex", skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
}

/// A history and all it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Its name.
    pub id: HistoryId,
    /// Oldest first.
    #[serde(default)]
    pub partings: Vec<Parting>,
}

/// Whether a message is of a history that was given up: some later history of its service parted before it. `partings`
/// are all of the service, oldest first; `era` is how many there were when it was published.
///
/// ```
/// use bongsu_runtime::ports::broker::is_orphaned;
///
/// assert!(!is_orphaned(&[900], 0, 900), "both have it");
/// assert!(is_orphaned(&[900], 0, 901));
/// assert!(!is_orphaned(&[900], 1, 901), "the new history's own");
/// assert!(is_orphaned(&[900, 50], 1, 901), "until it parted once more");
/// ```
pub fn is_orphaned(partings: &[u64], era: u32, position: u64) -> bool {
    partings.iter().skip(era as usize).any(|parted| position > *parted)
}

impl History {
    /// One that came from nothing.
    pub fn new(id: HistoryId) -> Self {
        Self { id, partings: Vec::new() }
    }

    /// How often it has parted.
    pub fn era(&self) -> u32 {
        u32::try_from(self.partings.len()).unwrap_or(u32::MAX)
    }

    /// Whether it came from that one.
    pub fn came_from(&self, other: HistoryId) -> bool {
        self.partings.iter().any(|parting| parting.from == other)
    }
}

impl Place {
    /// What places are compared by.
    pub fn order(&self) -> (u64, u32) {
        (self.position, self.ordinal)
    }

    /// Whether both can be the same: a Commit that nobody noted can be any.
    pub fn agrees(&self, other: &Self) -> bool {
        self.order() == other.order() && self.commit.zip(other.commit).is_none_or(|(one, other)| one == other)
    }
}

impl Serialize for HistoryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

/// The base of what is written as hexadecimal digits, as `{:x}` writes them.
const HEX: u32 = 16;

impl<'de> Deserialize<'de> for HistoryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, HEX).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A Commit's name in hexadecimal digits: JSON numbers do not hold it everywhere.
pub(crate) mod hex {
    use super::{CommitId, Deserialize, Deserializer, HEX, Serializer};

    pub(crate) fn serialize<S: Serializer>(commit: &Option<CommitId>, serializer: S) -> Result<S::Ok, S::Error> {
        match commit {
            Some(commit) => serializer.collect_str(&format_args!("{:032x}", commit.0)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CommitId>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let read = text.map(|text| u128::from_str_radix(&text, HEX).map(CommitId)).transpose();
        read.map_err(serde::de::Error::custom)
    }
}
