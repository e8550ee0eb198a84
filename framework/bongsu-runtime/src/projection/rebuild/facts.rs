//! Facts on their way into a rebuild: where each stands, and what is needed of its envelope.

use std::borrow::Cow;

use bongsu_core::{Metadata, split_type};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    ports::broker::{Partition, may_tell},
    records::cloudevent::metadata,
};

/// One fact.
pub(crate) struct Fact {
    pub(crate) place: Place,
    pub(crate) cloudevent: Bytes,
    /// In the history of who published it: position and era, see [`crate::records::seen::Stand`].
    pub(crate) published: (u64, u32),
    /// Nothing is to become of it.
    pub(crate) passed: bool,
}

/// Where it stands.
pub(crate) enum Place {
    /// In this context's own store; `last` of its event's facts.
    Feed { position: u64, last: bool },
    /// In the broker; the refill its partition is in the midst of behind it.
    Partition { partition: Partition, offset: u64, refill: Option<u64> },
}

/// What a rebuild needs of an envelope. The same attributes are required as in [`crate::Envelope`].
#[derive(Deserialize)]
pub(crate) struct Told<'a> {
    #[serde(borrow, rename = "specversion")]
    _specversion: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) subject: Cow<'a, str>,
    pub(crate) sequence: u64,
    #[serde(default)]
    ordinal: u64,
    #[serde(borrow)]
    pub(crate) partitionkey: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
    #[serde(borrow, default)]
    actor: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
}

impl<'a> Told<'a> {
    pub(crate) fn read(cloudevent: &'a [u8]) -> Option<Self> {
        // Looked at once as a whole, text need not be looked at member by member.
        let mut told: Self = match std::str::from_utf8(cloudevent) {
            Ok(text) => serde_json::from_str(text).ok(),
            Err(_) => serde_json::from_slice(cloudevent).ok(),
        }?;
        // As its mark is named.
        if told.ordinal > 0 {
            told.source = format!("{}#{}", told.source, told.ordinal).into();
        }
        Some(told)
    }

    pub(crate) fn name(&self) -> Option<(&str, u32)> {
        split_type(&self.kind)
    }

    /// Wire name and schema of what is its source's to tell.
    pub(crate) fn own_name(&self) -> Option<(&str, u32)> {
        // Behind the `#` of a mark is which fact of its event it is.
        let source = self.source.split('#').next().unwrap_or_default();
        self.name().filter(|(name, _)| may_tell(source, name))
    }

    pub(crate) fn metadata(&self) -> Metadata {
        metadata(&self.time, self.sequence, self.actor.as_deref())
    }
}

impl Place {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Feed { position, .. } => format!("position {position}"),
            Self::Partition { partition, offset, .. } => format!("{}/{}@{offset}", partition.topic, partition.index),
        }
    }
}
