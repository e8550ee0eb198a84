//! Who holds what, and who lives: lease and heartbeat, and how the things held are named.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ports::{
    broker::Partition,
    store::{DocBody, DocKey},
};

/// A lease document.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Lease {
    /// Empty when given back.
    pub(crate) slot: String,
    pub(crate) incarnation: u64,
    pub(crate) epoch: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Beat {
    pub(crate) incarnation: u64,
    pub(crate) beat: u64,
    /// The consumers this build has: while two versions run side by side, each is given only what it can read.
    #[serde(default)]
    pub(crate) consumers: BTreeSet<String>,
}

/// What is held under a lease.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resource {
    /// Reading a partition.
    Lane { consumer: String, partition: Partition },
    /// Filling a generation of NAME@VERSION.
    Rebuild(String),
    /// Publishing.
    Relay,
    /// A part of the to-dos.
    Shard(u32),
}

pub(crate) const LEASE: &str = "lease";
pub(crate) const MEMBER: &str = "member";
const RELAY: &str = "relay/0";
const LANE: &str = "lane/";
const SHARD: &str = "todo/";
const REBUILDS: &str = "rebuild/";

impl Resource {
    pub(crate) fn lane(consumer: &str, partition: &Partition) -> Self {
        Self::Lane { consumer: consumer.to_owned(), partition: partition.clone() }
    }

    /// The document of the lease.
    pub(crate) fn key(&self) -> DocKey {
        DocKey::of(LEASE, self.to_string())
    }

    /// What kind of work it is, for whoever counts.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Lane { .. } => "lane",
            Self::Rebuild(_) => "rebuild",
            Self::Relay => "relay",
            Self::Shard(_) => "todo",
        }
    }

    /// The consumer whose build alone can hold it.
    pub(crate) fn reader(&self) -> Option<&str> {
        match self {
            Self::Lane { consumer, .. } => Some(consumer),
            Self::Rebuild(root) => Some(root),
            _ => None,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shard(shard) => write!(f, "{SHARD}{shard}"),
            Self::Relay => f.write_str(RELAY),
            Self::Lane { consumer, partition: Partition { topic, index } } => {
                write!(f, "{LANE}{consumer}/{topic}/{index}")
            }
            Self::Rebuild(root) => write!(f, "{REBUILDS}{root}/0"),
        }
    }
}

impl FromStr for Resource {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        if name == RELAY {
            return Ok(Self::Relay);
        }
        let (of, number) = name.rsplit_once('/').ok_or(())?;
        let index = number.parse().map_err(|_| ())?;
        if let Some((consumer, topic)) = of.strip_prefix(LANE).and_then(|of| of.split_once('/')) {
            return Ok(Self::lane(consumer, &Partition { topic: topic.to_owned(), index }));
        }
        let rebuilt = of.strip_prefix(REBUILDS).filter(|_| index == 0);
        let shard = (of == SHARD.trim_end_matches('/')).then_some(Self::Shard(index));
        rebuilt.map(|root| Self::Rebuild(root.to_owned())).or(shard).ok_or(())
    }
}

pub(crate) fn lease_body(value: &impl Serialize) -> DocBody {
    let data = serde_json::to_vec(value).expect("a lease document has string keys and encodes as JSON");
    DocBody { data: data.into(), index: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_known_by_its_name() {
        let partition = Partition { topic: "door".into(), index: 3 };
        let all = [
            (Resource::Shard(7), "todo/7"),
            (Resource::Relay, "relay/0"),
            (Resource::lane("halls@2", &partition), "lane/halls@2/door/3"),
            (Resource::Rebuild("halls@2".into()), "rebuild/halls@2/0"),
        ];
        for (resource, name) in all {
            assert_eq!(name.split('/').next(), Some(resource.kind()));
            assert_eq!((resource.to_string().as_str(), name.parse()), (name, Ok(resource)));
        }
        for other in ["", "todo", "todo/x", "lane/halls@2/3", "attic/0", "todo/0/0"] {
            assert_eq!(other.parse::<Resource>(), Err(()), "{other}");
        }
    }
}
