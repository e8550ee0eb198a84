//! What every broker refuses before it queues, so that all of them refuse the same.

use std::{borrow::Cow, time::UNIX_EPOCH};

use super::{BrokerError, MAX_CLOUDEVENT, Out, Place, Topic, attribute::Attribute};
use bongsu_core::Strict;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::ports::store::{MAX_DOC_NAME, MAX_NAME, check_name};

/// Most partitions of one topic: more than instances of one service, each of which reads one at least, and every reader keeps
/// a cursor for each.
pub const MAX_PARTITIONS: u32 = 1_024;
/// Longest topic name, as in Kafka: a system may move there with the names it has.
pub const MAX_TOPIC_NAME: usize = 249;

/// The attributes a fact cannot travel without. Those that consumers read where they are there are looked at when it is
/// published ([`Attributes::of_told`]); everything else is the publisher's business.
///
/// ```
/// use bongsu_runtime::ports::broker::Attributes;
///
/// let fact = br#"{"specversion":"1.0","id":"1","source":"gate","type":"gate.door-opened.v1","subject":"door/7",
///     "partitionkey":"7","sequence":3,"data":{}}"#;
/// assert_eq!(Attributes::read(fact)?.partitionkey, "7");
/// assert!(Attributes::read(b"{}").is_err());
/// # Ok::<(), bongsu_runtime::ports::broker::BrokerError>(())
/// ```
#[derive(Debug, Deserialize)]
pub struct Attributes<'a> {
    /// "1.0".
    #[serde(borrow)]
    pub specversion: Cow<'a, str>,
    /// Unique within the source.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The publishing context.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// Wire name with version.
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
    /// The stream.
    #[serde(borrow)]
    pub subject: Cow<'a, str>,
    /// Facts with the same key stay in order.
    #[serde(borrow)]
    pub partitionkey: Cow<'a, str>,
    /// Strictly rising per subject.
    pub sequence: u64,
    /// The body; `null` is one.
    #[serde(borrow, default, deserialize_with = "as_it_stands")]
    pub(crate) data: Option<&'a RawValue>,
    // What consumers read besides, where it is there: looked at when it is told or heard.
    #[serde(borrow, default)]
    pub(crate) time: Attribute<'a>,
    #[serde(borrow, default)]
    pub(crate) datacontenttype: Attribute<'a>,
    #[serde(borrow, default)]
    pub(crate) dataschema: Attribute<'a>,
    #[serde(borrow, default)]
    pub(crate) ordinal: Attribute<'a>,
    #[serde(borrow, default)]
    pub(crate) correlationid: Attribute<'a>,
    #[serde(borrow, default)]
    pub(crate) causationid: Attribute<'a>,
    // Null is none, of these two.
    #[serde(borrow, default)]
    pub(crate) traceparent: Attribute<'a>,
    #[serde(borrow, default)]
    pub(crate) actor: Attribute<'a>,
}

/// Null is a body, too.
fn as_it_stands<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Whether a fact of this name (or type) is this source's to tell: `context.event` is told by `context` alone. A broker knows
/// who publishes and under which source; this binds what is said to it.
pub fn may_tell(source: &str, name: &str) -> bool {
    name.strip_prefix(source).is_some_and(|rest| rest.starts_with('.'))
}

/// The moment an RFC 3339 date in UTC names; `None` when it is none, or before 1970.
pub(crate) fn millis(time: &str) -> Option<i64> {
    let since = humantime::parse_rfc3339(time).ok()?.duration_since(UNIX_EPOCH).ok()?;
    since.as_millis().try_into().ok()
}

impl<'a> Attributes<'a> {
    /// Reads the envelope of a fact, whoever reads it: a broker, which checks it, and a consumer, which wants all of it.
    ///
    /// # Errors
    /// What the JSON reader says, when a required attribute is missing or of another type.
    pub(crate) fn parse(cloudevent: &'a [u8]) -> Result<Self, serde_json::Error> {
        // Looked at once as a whole, text need not be looked at member by member.
        match std::str::from_utf8(cloudevent) {
            Ok(text) => Self::parsed(serde_json::Deserializer::from_str(text)),
            Err(_) => Self::parsed(serde_json::Deserializer::from_slice(cloudevent)),
        }
    }

    fn parsed<R: serde_json::de::Read<'a>>(mut json: serde_json::Deserializer<R>) -> Result<Self, serde_json::Error> {
        let read = Self::deserialize(Strict(&mut json))?;
        json.end()?;
        Ok(read)
    }

    /// As [`Attributes::read`], of a fact that is published now: what consumers read of it where it is there must be
    /// readable, too. What a broker already keeps is not judged by this.
    ///
    /// # Errors
    /// [`BrokerError::Invalid`], also for a `time` that is no RFC 3339 date in UTC from 1970 on, an `ordinal` that is no
    /// whole number, and any of `datacontenttype`, `dataschema`, `correlationid`, `causationid`, `traceparent` and `actor`
    /// that is no text.
    pub fn of_told(cloudevent: &'a [u8]) -> Result<Self, BrokerError> {
        let read = Self::read(cloudevent)?;
        if let Some((name, why)) = read.unreadable() {
            return Err(BrokerError::Invalid(format!("{name} of CloudEvent {:?} {why}", read.id)));
        }
        Ok(read)
    }

    /// The first of what consumers read besides that they could not read, and why.
    fn unreadable(&self) -> Option<(&'static str, String)> {
        let texts = [
            ("time", self.time.by_ref()),
            ("datacontenttype", self.datacontenttype.by_ref()),
            ("dataschema", self.dataschema.by_ref()),
            ("correlationid", self.correlationid.by_ref()),
            ("causationid", self.causationid.by_ref()),
            ("traceparent", self.traceparent.by_ref().or_null()),
            ("actor", self.actor.by_ref().or_null()),
        ];
        for (name, attribute) in texts {
            match attribute.text() {
                Ok(Some(time)) if name == "time" && millis(&time).is_none() => {
                    return Some((name, format!("is no RFC 3339 date in UTC, as 2026-01-31T09:30:00Z: {time:?}")));
                }
                Ok(_) => {}
                Err(unfit) => return Some((name, unfit.to_string())),
            }
        }
        self.ordinal.number().err().map(|unfit| ("ordinal", unfit.to_string()))
    }

    /// Reads and checks the envelope of a fact.
    ///
    /// # Errors
    /// [`BrokerError::Invalid`] for what is no CloudEvent 1.0 in JSON with a body and these attributes, over
    /// [`MAX_CLOUDEVENT`], or with a name over [`MAX_NAME`] (of its `id`, [`MAX_DOC_NAME`]).
    pub fn read(cloudevent: &'a [u8]) -> Result<Self, BrokerError> {
        let invalid = |why: String| Err(BrokerError::Invalid(why));
        if cloudevent.len() > MAX_CLOUDEVENT {
            return invalid(format!("a message of {} bytes is over {MAX_CLOUDEVENT}", cloudevent.len()));
        }
        if cloudevent.trim_ascii_start().first() != Some(&b'{') {
            return invalid("not a CloudEvent in JSON: an object is expected".into());
        }
        let read = match Self::parse(cloudevent) {
            Ok(read) => read,
            Err(error) => return invalid(format!("not a CloudEvent in JSON: {error}")),
        };
        if read.specversion != "1.0" {
            return invalid(format!("CloudEvents version {:?} is not 1.0", read.specversion));
        }
        if read.data.is_none() {
            return invalid(format!("CloudEvent {:?} has no data", read.id));
        }
        let names = [&read.id, &read.source, &read.kind, &read.subject];
        if names.into_iter().any(|name| name.is_empty()) {
            return invalid(format!("id, source, type or subject of CloudEvent {:?} is empty", read.id));
        }
        // A fact's id is made of its stream and more; the others are names a Store has taken.
        check_name(&read.id, MAX_DOC_NAME).map_err(|why| BrokerError::Invalid(why.to_string()))?;
        for name in [&read.source, &read.kind, &read.subject, &read.partitionkey] {
            check_name(name, MAX_NAME).map_err(|why| BrokerError::Invalid(why.to_string()))?;
        }
        Ok(read)
    }
}

impl Topic {
    /// Checks name, partition count and retention.
    ///
    /// # Errors
    /// [`BrokerError::Invalid`] unless the name is letters, digits, `.`, `_` and `-` (as in Kafka) and there are
    /// 1 to [`MAX_PARTITIONS`] partitions, and for a retention that keeps nothing.
    pub fn check(&self) -> Result<(), BrokerError> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let dots = self.name.chars().all(|c| c == '.');
        if dots || self.name.len() > MAX_TOPIC_NAME || !self.name.chars().all(legal) {
            return Err(BrokerError::Invalid(format!("{:?} is not a topic name", self.name)));
        }
        if self.partitions == 0 || self.partitions > MAX_PARTITIONS {
            let given = self.partitions;
            return Err(BrokerError::Invalid(format!("a topic has 1 to {MAX_PARTITIONS} partitions, not {given}")));
        }
        if self.retention_ms == Some(0) || self.retention_bytes == Some(0) {
            return Err(BrokerError::Invalid(format!("a retention of 0 keeps nothing of {}", self.name)));
        }
        Ok(())
    }
}

impl Out {
    /// Checks what can be judged without knowing the topics; what the envelope says.
    ///
    /// # Errors
    /// [`BrokerError::Invalid`] as [`Attributes::of_told`], or when the key is not the one in the envelope.
    pub fn check(&self) -> Result<Attributes<'_>, BrokerError> {
        let read = Attributes::of_told(&self.cloudevent)?;
        if read.partitionkey == self.partition_key {
            return Ok(read);
        }
        let key = read.partitionkey;
        let given = &self.partition_key;
        Err(BrokerError::Invalid(format!("partition key {given:?} is not the partitionkey {key:?} of the CloudEvent")))
    }

    /// Checks a whole batch, and that positions never fall within it: dropping what is already there would
    /// otherwise drop what was never seen. What each envelope says.
    ///
    /// # Errors
    /// [`BrokerError::Invalid`].
    pub fn check_batch(batch: &[Self]) -> Result<Vec<Attributes<'_>>, BrokerError> {
        let read = batch.iter().map(Self::check).collect::<Result<_, _>>()?;
        let fell = batch.windows(2).find(|pair| pair[1].place() < pair[0].place());
        fell.map_or(Ok(read), |pair| {
            let ((was, _), (is, _)) = (pair[0].place(), pair[1].place());
            Err(BrokerError::Invalid(format!("position {is} comes after {was} in one batch")))
        })
    }

    /// What duplicates are recognised by, per service.
    pub fn place(&self) -> (u64, u32) {
        (self.position, self.ordinal)
    }

    /// Its place in the publisher's history.
    pub fn at(&self) -> Place {
        Place { position: self.position, ordinal: self.ordinal, commit: self.commit }
    }
}
