//! Facts on their way into a rebuild: where each stands, and what is needed of its envelope.

use std::borrow::Cow;

use bongsu_core::split_type;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ports::broker::Partition;

/// One fact.
pub(crate) struct Fact {
    pub(crate) place: Place,
    pub(crate) cloudevent: Bytes,
}

/// Where it stands.
pub(crate) enum Place {
    /// In this context's own store; `last` of its event's facts.
    Feed { position: u64, last: bool },
    /// In the broker.
    Partition(Partition, u64),
}

/// What a rebuild needs of an envelope. The same attributes are required as in [`crate::Envelope`].
#[derive(Deserialize)]
pub(crate) struct Told<'a> {
    #[serde(borrow, rename = "specversion")]
    _specversion: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    pub(crate) sequence: u64,
    #[serde(borrow)]
    pub(crate) partitionkey: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
}

impl<'a> Told<'a> {
    pub(crate) fn read(cloudevent: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(cloudevent).ok()
    }

    pub(crate) fn name(&self) -> Option<(&str, u32)> {
        split_type(&self.kind)
    }

    /// What its seen mark is called within a generation.
    pub(crate) fn mark(&self) -> String {
        [&*self.source, "/", &*self.subject].concat()
    }
}

impl Place {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Feed { position, .. } => format!("position {position}"),
            Self::Partition(partition, offset) => format!("{}/{}@{offset}", partition.topic, partition.index),
        }
    }
}
