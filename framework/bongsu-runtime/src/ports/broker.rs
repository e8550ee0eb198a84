//! The Broker port: partitioned, append-only, addressable logs.
//!
//! There are no groups: who reads which partition is a lease document in the reader's own Store.

mod attribute;
mod check;
mod history;
mod kind;
mod standing;

use std::{collections::BTreeMap, time::Duration};

use super::{Fut, store::CommitId};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub(crate) use attribute::Unfit;
pub(crate) use check::millis;
pub use check::{Attributes, MAX_PARTITIONS, MAX_TOPIC_NAME, may_tell};
pub(crate) use history::hex;
pub use history::{History, HistoryId, Parting, Place, is_orphaned};
pub use kind::kind_of;
pub use standing::Standing;

/// Names one history of a broker: new when history was lost or replaced, kept in every cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogId(pub u128);

/// A topic: one per context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name, the context's.
    pub name: String,
    /// How many partitions; never changes.
    pub partitions: u32,
    /// How long messages are kept; `None` = for ever, or as it was said before.
    pub retention_ms: Option<u64>,
    /// How many bytes of messages each partition keeps at least, the newest; `None` = all, or as it was said before.
    pub retention_bytes: Option<u64>,
}

/// One partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Partition {
    /// Topic.
    pub topic: String,
    /// From 0.
    pub index: u32,
}

/// Who publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer<'a> {
    /// The service.
    pub service: &'a str,
    /// Grows with every take-over of the relay's lease; an older one is refused.
    pub epoch: u64,
    /// 0 for what is published as it happens; n when history is published again for the n-th time. Each has positions
    /// and an epoch of its own, and readers are told it with every message.
    pub refill: u64,
    /// The history of the store it publishes from. `None`: it keeps none, and is known by positions alone.
    pub history: Option<HistoryId>,
    /// The last this producer knows to be there; position 0 when it knows of none. A broker that has less lost history
    /// and refuses ([`BrokerError::Behind`]): what came first would then come last. One that has more, or something
    /// else there, refuses, too ([`BrokerError::Parted`]), unless the batch has the last it has.
    pub after: Place,
}

/// A message to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Out {
    /// Topic.
    pub topic: String,
    /// Chooses the partition, see [`partition_of`].
    pub partition_key: String,
    /// The publisher's position of the event in its own store.
    pub position: u64,
    /// Place among the facts of that event.
    pub ordinal: u32,
    /// The Commit that wrote the event; `None` for what comes from no store.
    pub commit: Option<CommitId>,
    /// The CloudEvent in JSON.
    pub cloudevent: Bytes,
}

/// A message read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct In {
    /// From 0, dense unless the adapter says otherwise.
    pub offset: u64,
    /// As published.
    pub partition_key: String,
    /// Of the [`Producer`] it came from.
    pub refill: u64,
    /// The publisher's position; 0 when it gave none.
    pub position: u64,
    /// How often its publisher's history had parted when it was published.
    pub era: u32,
    /// As published.
    pub cloudevent: Bytes,
}

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The broker's history.
    pub log: LogId,
    /// Partitions that have something, each in offset order.
    pub messages: Vec<(Partition, Vec<In>)>,
    /// Where the histories of services parted, oldest first: see [`is_orphaned`]. Only of those whose did.
    pub partings: BTreeMap<String, Vec<u64>>,
}

/// First and next offset of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The broker's history.
    pub log: LogId,
    /// (partition, earliest offset kept, next offset).
    pub partitions: Vec<(Partition, u64, u64)>,
}

/// Why a broker could not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// Not reachable or overloaded; ask again.
    #[error("the broker is unavailable: {0}")]
    Unavailable(String),
    /// A newer owner of the relay has published: this one must stop.
    #[error("epoch {given} of {service} is older than {newest}")]
    Fenced {
        /// Whose.
        service: String,
        /// The refused epoch.
        given: u64,
        /// The newest seen.
        newest: u64,
    },
    /// The broker lost what it had acknowledged: it was deleted, or restored from a copy.
    #[error("{expected} of {service} was published before and {has} is the last position there")]
    Behind {
        /// Whose.
        service: String,
        /// The last position there.
        has: u64,
        /// What its producer published before.
        expected: u64,
    },
    /// What is there comes from another history of this service's store.
    #[error("what is there of {service} ends at {has} and is of another history than what is published")]
    Parted {
        /// Whose.
        service: String,
        /// The last position there.
        has: u64,
    },
    /// The offset asked for is no longer (or not yet) there.
    #[error("offset {asked} of {topic}/{index} is gone: {earliest}..{end} is kept")]
    Gone {
        /// Topic.
        topic: String,
        /// Partition.
        index: u32,
        /// Asked for.
        asked: u64,
        /// Earliest kept.
        earliest: u64,
        /// Next offset.
        end: u64,
    },
    /// Can never be taken: unknown topic, too large, not a CloudEvent, other partition count.
    #[error("the broker refuses this: {0}")]
    Invalid(String),
}

/// Where facts travel.
pub trait Broker: Send + Sync {
    /// Creates a topic if it is missing; a retention that is given replaces the one it had.
    fn ensure(&self, topic: Topic) -> Fut<'_, Result<(), BrokerError>>;

    /// Publishes. Ok: all durable, in the given order per key. Err: a prefix per partition may be in; send
    /// the same batch again. Embedded and memory drop (service, refill, position, ordinal) they already have, and
    /// refuse an old epoch and another history; Kafka may duplicate; neither may reorder first sights.
    fn publish<'a>(&'a self, from: Producer<'a>, batch: Vec<Out>) -> Fut<'a, Result<(), BrokerError>>;

    /// What is known of a service that publishes: durable when told.
    fn standing<'a>(&'a self, service: &'a str) -> Fut<'a, Result<Standing, BrokerError>>;

    /// Makes a history the one that a service publishes, see [`Standing::take_up`]. May be sent again.
    fn take_up<'a>(&'a self, service: &'a str, epoch: u64, history: &'a History) -> Fut<'a, Result<(), BrokerError>>;

    /// Reads on from (partition, next offset) for all partitions at once; returns at once when anything is
    /// there, else waits up to `wait`.
    fn fetch(&self, want: Vec<(Partition, u64)>, max_bytes: u32, wait: Duration)
    -> Fut<'_, Result<Batch, BrokerError>>;

    /// First and next offset of every partition of a topic.
    fn bounds<'a>(&'a self, topic: &'a str) -> Fut<'a, Result<Bounds, BrokerError>>;

    /// Tells tools how far a consumer is; best effort.
    fn report<'a>(&'a self, consumer: &'a str, at: Vec<(Partition, u64)>) -> Fut<'a, ()>;
}

impl<'a> Producer<'a> {
    /// One that keeps no history and publishes what happens.
    pub const fn new(service: &'a str, epoch: u64) -> Self {
        let after = Place { position: 0, ordinal: 0, commit: None };
        Self { service, epoch, refill: 0, history: None, after }
    }
}

/// Largest CloudEvent the brokers take, in bytes: what a store takes of one body, since each stands in an outbox first.
pub const MAX_CLOUDEVENT: usize = super::store::MAX_BODY;

/// Bytes asked for by one fetch: the largest CloudEvent, so that nothing comes in smaller shares than one.
pub(crate) const FETCH_BYTES: u32 = MAX_CLOUDEVENT as u32;

/// The partition of a key: murmur2 as in Kafka's default partitioner, so that producers in any language agree.
pub fn partition_of(key: &str, partitions: u32) -> u32 {
    // Without its sign: there a hash is a number of Java.
    (murmur2(key.as_bytes()) & 0x7fff_ffff) % partitions.max(1)
}

/// MurmurHash2, 32 bit, seed 0x9747b28c (Apache Kafka, `Utils.murmur2`).
fn murmur2(data: &[u8]) -> u32 {
    /// The multiplier of the algorithm; the shifts are its own, too.
    const M: u32 = 0x5bd1_e995;
    /// Where Kafka begins: another number would send every key elsewhere.
    const SEED: u32 = 0x9747_b28c;
    let mut hash = SEED ^ data.len() as u32;
    let (chunks, rest) = data.as_chunks();
    for chunk in chunks {
        let mut k = u32::from_le_bytes(*chunk).wrapping_mul(M);
        k ^= k >> 24; // As it says.
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (at, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (u8::BITS as usize * at);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13; // So the last bytes reach every bit.
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15) // And the first ones.
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_agree_with_kafkas_default_partitioner() {
        // Values of Apache Kafka's UtilsTest.testMurmur2.
        let known: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, hash) in known {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }
}
