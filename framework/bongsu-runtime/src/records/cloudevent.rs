//! The CloudEvents envelope facts travel in.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use bongsu_core::{CommandId, Ctx, Metadata, digest, split_type};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::value::RawValue;

pub(crate) use crate::ports::broker::millis;
use crate::ports::broker::{Attributes, Unfit, kind_of};

/// A fact as CloudEvents 1.0 in JSON, with the extensions `sequence`, `partitionkey`, `correlationid`,
/// `causationid`, `traceparent` and `actor`.
#[derive(Debug, Serialize)]
pub struct Envelope<'a> {
    /// Always "1.0".
    pub specversion: Cow<'a, str>,
    /// Unique.
    pub id: Cow<'a, str>,
    /// The publishing context.
    pub source: Cow<'a, str>,
    /// Wire name with version: `context.event.v1`.
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// The stream: `aggregate/id`.
    pub subject: Cow<'a, str>,
    /// RFC 3339, UTC; optional, as CloudEvents has it.
    pub time: Cow<'a, str>,
    /// Always "application/json".
    pub datacontenttype: Cow<'a, str>,
    /// Where the schema of the data is kept.
    pub dataschema: Cow<'a, str>,
    /// Strictly rising per subject; gaps are normal.
    pub sequence: u64,
    /// Which fact of its event, among those of different names: each has marks of its own.
    #[serde(skip_serializing_if = "is_zero")]
    pub ordinal: u64,
    /// Facts with the same key stay in order.
    pub partitionkey: Cow<'a, str>,
    /// The same for everything that follows from one request.
    pub correlationid: Cow<'a, str>,
    /// The command or fact that caused this one.
    pub causationid: Cow<'a, str>,
    /// W3C trace context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<Cow<'a, str>>,
    /// Who asked for it: a principal, or the name of a policy or process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Cow<'a, str>>,
    /// The body.
    pub data: &'a RawValue,
}

/// What is written on a message, as far as a reader reads it.
#[expect(clippy::large_enum_variant, reason = "it lives on the stack while a batch is handled")]
pub(crate) enum Written<'m> {
    /// A fact of a name that the reader does not hear: it passes by, whatever else it says.
    Others,
    /// Nothing that can be read.
    Garbage,
    Fact(Envelope<'m>),
}

/// What is kept beside every event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) id: String,
    pub(crate) time: String,
    pub(crate) actor: String,
    pub(crate) correlation: String,
    pub(crate) causation: String,
    /// Type of the command that was decided, if the event followed from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) traceparent: Option<String>,
    /// Under which configuration it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<Arc<str>>,
}

impl<'a> Envelope<'a> {
    /// Reads an envelope as a broker does, and what a broker leaves as it stands.
    ///
    /// # Errors
    /// What the JSON reader says, when a required attribute is missing or of another type.
    pub fn parse(cloudevent: &'a [u8]) -> Result<Self, serde_json::Error> {
        let read = Attributes::parse(cloudevent)?;
        let unfit = |name: &'static str| move |unfit: Unfit| serde_json::Error::custom(format_args!("{name} {unfit}"));
        Ok(Self {
            specversion: read.specversion,
            id: read.id,
            source: read.source,
            kind: read.kind,
            subject: read.subject,
            time: read.time.text().map_err(unfit("time"))?.unwrap_or_default(),
            datacontenttype: read.datacontenttype.text().map_err(unfit("datacontenttype"))?.unwrap_or_default(),
            dataschema: read.dataschema.text().map_err(unfit("dataschema"))?.unwrap_or_default(),
            sequence: read.sequence,
            ordinal: read.ordinal.number().map_err(unfit("ordinal"))?.unwrap_or(0),
            partitionkey: read.partitionkey,
            correlationid: read.correlationid.text().map_err(unfit("correlationid"))?.unwrap_or_default(),
            causationid: read.causationid.text().map_err(unfit("causationid"))?.unwrap_or_default(),
            traceparent: read.traceparent.or_null().text().map_err(unfit("traceparent"))?,
            actor: read.actor.or_null().text().map_err(unfit("actor"))?,
            data: read.data.ok_or_else(|| serde_json::Error::missing_field("data"))?,
        })
    }

    /// Wire name and schema; `None` when the type does not end in a version.
    pub fn name(&self) -> Option<(&str, u32)> {
        split_type(&self.kind)
    }

    /// The context in which a reaction of `consumer` to this fact is decided.
    pub(crate) fn ctx(&self, consumer: &str, now_ms: i64) -> Ctx {
        Ctx {
            now_ms,
            command_id: CommandId::from_parts(&[consumer, &self.id]),
            actor: consumer.to_owned(),
            correlation: self.correlationid.clone().into_owned(),
            causation: self.id.clone().into_owned(),
            traceparent: self.traceparent.clone().map(Cow::into_owned),
        }
    }

    /// What a fold may know of it besides its body.
    pub(crate) fn metadata(&self) -> Metadata {
        Metadata { at_ms: millis(&self.time), sequence: self.sequence, actor: self.actor.as_deref().map(str::to_owned) }
    }

    pub(crate) fn encode(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).expect("an envelope has string keys and encodes as JSON"))
    }
}

impl<'m> Written<'m> {
    /// Reads a message for whoever hears the names that it `reads`.
    pub(crate) fn on(cloudevent: &'m [u8], reads: impl Fn(&str) -> bool) -> Self {
        let kind = kind_of(cloudevent);
        if kind.is_some_and(|kind| split_type(kind).is_none_or(|(name, _)| !reads(name))) {
            return Self::Others;
        }
        Envelope::parse(cloudevent).map_or(Self::Garbage, Self::Fact)
    }
}

impl Meta {
    /// Metadata of the event `id` decided in `ctx`.
    pub(crate) fn of(id: String, ctx: &Ctx) -> Self {
        let span = digest(&["span", &id]) as u64;
        Self {
            time: rfc3339(ctx.now_ms),
            actor: ctx.actor.clone(),
            correlation: ctx.correlation.clone(),
            causation: ctx.causation.clone(),
            command: None,
            revision: None,
            traceparent: ctx.traceparent.as_deref().and_then(|parent| child(parent, span)),
            id,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(crate) fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The last millisecond RFC 3339 can write: `9999-12-31T23:59:59.999Z`.
const LAST_MS: i64 = 253_402_300_799_999;

/// RFC 3339 in UTC with milliseconds. A clock can say anything, and a date is always printed: what lies before 1970 or
/// after the year 9999 is shown as the nearest moment in between.
pub fn rfc3339(ms: i64) -> String {
    let since = Duration::from_millis(ms.clamp(0, LAST_MS).unsigned_abs());
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

/// The same trace with a new span (W3C Trace Context, `traceparent`).
fn child(parent: &str, span: u64) -> Option<String> {
    let mut parts = parent.split('-');
    let (version, trace, _, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{version}-{trace}-{span:016x}-{flags}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_printed_whatever_the_clock_says() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_769_851_800_125, "2026-01-31T09:30:00.125Z"),
            (-1, "1970-01-01T00:00:00.000Z"),
            (i64::MIN, "1970-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(ms), expected);
        }
    }

    #[test]
    fn a_date_is_read_as_it_was_printed_and_what_is_none_is_not_made_up() {
        for ms in [0, 1_769_851_800_125, LAST_MS] {
            assert_eq!(millis(&rfc3339(ms)), Some(ms));
        }
        for text in ["", "yesterday", "1969-12-31T23:59:59Z", "2026-01-31T09:30:00+09:00"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
