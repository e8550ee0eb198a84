//! A wire value whose type is hidden, and the same as it is written down in other documents.

use bongsu_core::{DecodeError, Extra, Wire};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A wire value whose type is hidden.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) schema: u32,
    pub(crate) data: Bytes,
}

/// A wire value as written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) name: String,
    pub(crate) schema: u32,
    pub(crate) data: Box<RawValue>,
}

impl Message {
    pub(crate) fn of<W: Wire>(value: &W) -> Self {
        let (name, schema) = value.name();
        Self { name: name.to_owned(), schema, data: value.encode().into() }
    }

    pub(crate) fn decode<W: Wire>(&self) -> Result<W, DecodeError> {
        self.read(Extra::Ignored)
    }

    /// A command that says more than this build understands is not done by half.
    pub(crate) fn decode_command<W: Wire>(&self) -> Result<W, DecodeError> {
        self.read(Extra::Refused)
    }

    fn read<W: Wire>(&self, extra: Extra) -> Result<W, DecodeError> {
        let unknown = || DecodeError::Unknown { name: self.name.clone(), schema: self.schema };
        W::read(&self.name, self.schema, &self.data, extra)?.ok_or_else(unknown)
    }
}

impl Written {
    pub(crate) fn of(message: &Message) -> Self {
        let data = serde_json::from_slice(&message.data).expect("an encoded wire value is JSON");
        Self { name: message.name.clone(), schema: message.schema, data }
    }

    pub(crate) fn message(&self) -> Message {
        let data = self.data.get().as_bytes().to_vec().into();
        Message { name: self.name.clone(), schema: self.schema, data }
    }
}
