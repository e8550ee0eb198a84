//! What travels between client and server, as JSON.

use std::{borrow::Cow, collections::BTreeMap};

use bongsu_runtime::ports::broker::{BrokerError, HistoryId, LogId, Parting};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Most messages in one publish.
pub(crate) const MAX_BATCH: usize = 10_000;
/// Largest body of a request, in bytes: a batch the client cuts at half of it always fits.
pub(crate) const MAX_BODY: usize = 16 << 20;
/// Most message bytes in the answer to one fetch.
pub(crate) const MAX_FETCH: u32 = 4 << 20;
/// Most partitions in one fetch.
pub(crate) const MAX_WANT: usize = 10_000;
/// Longest a fetch is kept waiting.
pub(crate) const MAX_WAIT_MS: u64 = 30_000;

/// `PUT /topics/{name}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTopic {
    pub(crate) partitions: u32,
    #[serde(default)]
    pub(crate) retention_ms: Option<u64>,
    #[serde(default)]
    pub(crate) retention_bytes: Option<u64>,
}

/// `POST /publish`: a service's batch, with what duplicates and old owners are recognised by.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publish<'a> {
    #[serde(borrow)]
    pub(crate) service: Cow<'a, str>,
    pub(crate) epoch: u64,
    #[serde(default)]
    pub(crate) refill: u64,
    #[serde(default)]
    pub(crate) history: Option<HistoryId>,
    #[serde(default)]
    pub(crate) after: u64,
    #[serde(default)]
    pub(crate) after_ordinal: u32,
    /// A Commit is named like a history: 32 hexadecimal digits.
    #[serde(default)]
    pub(crate) after_commit: Option<HistoryId>,
    #[serde(borrow)]
    pub(crate) messages: Vec<Placed<'a>>,
}

/// `PUT /producers/{service}`: the history a service publishes from here on.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeUp {
    pub(crate) epoch: u64,
    pub(crate) history: HistoryId,
    #[serde(default)]
    pub(crate) partings: Vec<Parting>,
}

/// A message with its place in the producer's own store.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Placed<'a> {
    #[serde(borrow)]
    pub(crate) topic: Cow<'a, str>,
    pub(crate) position: u64,
    #[serde(default)]
    pub(crate) ordinal: u32,
    #[serde(default)]
    pub(crate) commit: Option<HistoryId>,
    #[serde(borrow)]
    pub(crate) event: &'a RawValue,
}

/// The answer to a publish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Taken {
    pub(crate) appended: u64,
    pub(crate) dropped: u64,
}

/// `POST /fetch`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fetch<'a> {
    #[serde(borrow)]
    pub(crate) want: Vec<Place<'a>>,
    pub(crate) max_bytes: u32,
    #[serde(default)]
    pub(crate) wait_ms: u64,
}

/// An offset of a partition.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place<'a> {
    #[serde(borrow)]
    pub(crate) topic: Cow<'a, str>,
    pub(crate) partition: u32,
    pub(crate) offset: u64,
}

/// The answer to a fetch, as the client reads it; the server writes it by hand, see `server/answer.rs`.
#[derive(Debug, Deserialize)]
pub(crate) struct Fetched<'a> {
    pub(crate) log: Log,
    #[serde(default)]
    pub(crate) partings: BTreeMap<String, Vec<u64>>,
    #[serde(borrow)]
    pub(crate) messages: Vec<FetchedPartition<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FetchedPartition<'a> {
    #[serde(borrow)]
    pub(crate) topic: Cow<'a, str>,
    pub(crate) partition: u32,
    #[serde(borrow)]
    pub(crate) messages: Vec<FetchedMessage<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FetchedMessage<'a> {
    pub(crate) offset: u64,
    #[serde(borrow)]
    pub(crate) key: Cow<'a, str>,
    #[serde(default)]
    pub(crate) refill: u64,
    #[serde(default)]
    pub(crate) position: u64,
    #[serde(default)]
    pub(crate) era: u32,
    #[serde(borrow)]
    pub(crate) event: &'a RawValue,
}

/// `GET /topics/{name}`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TopicShown {
    pub(crate) log: Log,
    pub(crate) name: String,
    pub(crate) retention_ms: Option<u64>,
    #[serde(default)]
    pub(crate) retention_bytes: Option<u64>,
    pub(crate) partitions: Vec<PartitionShown>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PartitionShown {
    pub(crate) partition: u32,
    pub(crate) earliest: u64,
    pub(crate) end: u64,
}

/// `POST /consumers`: how far one is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report<'a> {
    #[serde(borrow)]
    pub(crate) consumer: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) positions: Vec<Place<'a>>,
}

/// An error as RFC 9457 `application/problem+json`; the members after `detail` say it to the client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) r#type: Cow<'static, str>,
    pub(crate) title: Cow<'static, str>,
    pub(crate) status: u16,
    pub(crate) detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fenced: Option<Box<Fenced>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) behind: Option<Box<Behind>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parted: Option<Box<Parted>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gone: Option<Box<Gone>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fenced {
    pub(crate) service: String,
    pub(crate) given: u64,
    pub(crate) newest: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Behind {
    pub(crate) service: String,
    pub(crate) has: u64,
    pub(crate) expected: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Parted {
    pub(crate) service: String,
    pub(crate) has: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Gone {
    pub(crate) topic: String,
    pub(crate) partition: u32,
    pub(crate) asked: u64,
    pub(crate) earliest: u64,
    pub(crate) end: u64,
}

/// The id of a history, 32 hexadecimal digits on the wire: JSON numbers do not hold it everywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log(pub(crate) LogId);

impl Problem {
    fn new(code: &'static str, title: &'static str, status: u16, detail: String) -> Self {
        let fenced = None;
        let behind = None;
        let parted = None;
        let gone = None;
        Self { r#type: code.into(), title: title.into(), status, detail, fenced, behind, parted, gone }
    }

    /// An error of the protocol rather than of the port.
    pub(crate) fn refused(status: u16, detail: impl Into<String>) -> Self {
        Self::new("/errors/broker-refused", "The broker refuses this request", status, detail.into())
    }

    /// Nobody who is known here.
    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new("/errors/broker-unauthenticated", "The broker does not know who this is", 401, detail.into())
    }

    /// Known, and not allowed to do this.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new("/errors/broker-forbidden", "The broker does not let this name do it", 403, detail.into())
    }

    /// Meant for somebody else.
    pub(crate) fn wrong_host() -> Self {
        let detail = "a broker is asked by the address it gives out".to_owned();
        Self::new("/errors/wrong-host", "This address was not given out", 421, detail)
    }

    /// What the client makes of it.
    pub(crate) fn into_error(self) -> BrokerError {
        match self {
            Self { fenced: Some(fenced), .. } => {
                let Fenced { service, given, newest } = *fenced;
                BrokerError::Fenced { service, given, newest }
            }
            Self { behind: Some(behind), .. } => {
                let Behind { service, has, expected } = *behind;
                BrokerError::Behind { service, has, expected }
            }
            Self { parted: Some(parted), .. } => {
                let Parted { service, has } = *parted;
                BrokerError::Parted { service, has }
            }
            Self { gone: Some(gone), .. } => {
                let Gone { topic, partition, asked, earliest, end } = *gone;
                BrokerError::Gone { topic, index: partition, asked, earliest, end }
            }
            // 408 and 429 are about this moment, like all 5xx, and who may do what is about the one who asks, not about
            // what was asked: the same will be taken when that was put right. Every other 4xx will never be taken.
            Self { status: 401 | 403 | 408 | 421 | 429 | 500.., detail, .. } => BrokerError::Unavailable(detail),
            Self { detail, .. } => BrokerError::Invalid(detail),
        }
    }
}

impl From<BrokerError> for Problem {
    fn from(error: BrokerError) -> Self {
        let said = error.to_string();
        match error {
            BrokerError::Unavailable(why) => {
                Self::new("/errors/broker-unavailable", "The broker cannot take this now", 503, why)
            }
            BrokerError::Fenced { service, given, newest } => Self {
                fenced: Some(Box::new(Fenced { service, given, newest })),
                ..Self::new("/errors/broker-fenced", "A newer owner of the relay has published", 409, said)
            },
            BrokerError::Behind { service, has, expected } => Self {
                behind: Some(Box::new(Behind { service, has, expected })),
                ..Self::new("/errors/broker-behind", "The broker lost what it was given before", 409, said)
            },
            BrokerError::Parted { service, has } => Self {
                parted: Some(Box::new(Parted { service, has })),
                ..Self::new("/errors/history-parted", "What is there is of another history", 409, said)
            },
            BrokerError::Gone { topic, index: partition, asked, earliest, end } => Self {
                gone: Some(Box::new(Gone { topic, partition, asked, earliest, end })),
                ..Self::new("/errors/broker-gone", "The offset is not there", 410, said)
            },
            BrokerError::Invalid(why) => {
                Self::new("/errors/broker-invalid", "The broker can never take this", 422, why)
            }
        }
    }
}

impl Serialize for Log {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0.0))
    }
}

impl<'de> Deserialize<'de> for Log {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let id = u128::from_str_radix(&text, 16).map_err(serde::de::Error::custom)?;
        Ok(Self(LogId(id)))
    }
}
