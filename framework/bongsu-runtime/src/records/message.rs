//! A wire value whose type is hidden, and the same as it is written down in other documents.

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

use bongsu_core::{DecodeError, Extra, Wire};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A wire value whose type is hidden.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) schema: u32,
    pub(crate) data: Bytes,
    values: Values,
}

/// A wire value as written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RecordedMessage {
    pub(crate) name: String,
    pub(crate) schema: u32,
    pub(crate) data: Box<RawValue>,
    #[serde(skip)]
    values: Values,
}

/// What a message says, as the types it was made from and read into: a message that stays in this process is encoded
/// once, for the store, and never read back. Shared by its copies.
#[derive(Clone, Default)]
struct Values(Arc<[OnceLock<Value>; 2]>);

type Value = Arc<dyn Any + Send + Sync>;

impl Message {
    /// As it came in.
    pub(crate) fn new(name: impl Into<String>, schema: u32, data: Bytes) -> Self {
        Self { name: name.into(), schema, data, values: Values::default() }
    }

    /// As it was just made.
    pub(crate) fn of<W: Wire>(value: W) -> Self {
        let ((name, schema), data) = (value.name(), value.encode());
        Self::made(name, schema, data.into(), Arc::new(value))
    }

    /// The same of a value that was written down already.
    pub(crate) fn made(name: &str, schema: u32, data: Bytes, value: Value) -> Self {
        let message = Self::new(name, schema, data);
        message.values.keep(value);
        message
    }

    /// As an event or a fact.
    pub(crate) fn decode<W: Wire>(&self) -> Result<Arc<W>, DecodeError> {
        if let Some(value) = self.values.get() {
            return Ok(value);
        }
        let value = Arc::new(self.read::<W>(Extra::Ignored)?);
        self.values.keep(value.clone());
        Ok(value)
    }

    /// A command that says more than this build understands is not done by half.
    pub(crate) fn decode_command<W: Wire>(&self) -> Result<W, DecodeError> {
        match self.values.get::<W>() {
            Some(value) => Ok((*value).clone()),
            None => self.read(Extra::Refused),
        }
    }

    fn read<W: Wire>(&self, extra: Extra) -> Result<W, DecodeError> {
        let unknown = || DecodeError::Unknown { name: self.name.clone(), schema: self.schema };
        say_read(&self.name, self.schema);
        W::read(&self.name, self.schema, &self.data, extra)?.ok_or_else(unknown)
    }
}

/// Says, to whoever traces or counts, that a body is made a value of its type.
pub(crate) fn say_read(name: &str, schema: u32) {
    tracing::trace!(kind = name, schema, "a body is read");
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.schema, &self.data) == (&other.name, other.schema, &other.data)
    }
}

impl RecordedMessage {
    pub(crate) fn of(message: &Message) -> Self {
        let data = serde_json::from_slice(&message.data).expect("an encoded wire value is JSON");
        Self { name: message.name.clone(), schema: message.schema, data, values: message.values.clone() }
    }

    pub(crate) fn message(&self) -> Message {
        let data = self.data.get().as_bytes().to_vec().into();
        Message { name: self.name.clone(), schema: self.schema, data, values: self.values.clone() }
    }
}

impl Values {
    fn get<W: Wire>(&self) -> Option<Arc<W>> {
        self.0.iter().filter_map(OnceLock::get).find_map(|value| value.clone().downcast().ok())
    }

    /// Remembers a value; with two of other types it is read again the next time.
    fn keep(&self, value: Value) {
        let mut value = Some(value);
        for place in self.0.iter() {
            place.get_or_init(|| value.take().expect("it was not kept yet"));
            if value.is_none() {
                return;
            }
        }
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.0.iter().filter(|place| place.get().is_some()).count())
    }
}
