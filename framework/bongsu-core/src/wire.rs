//! How events, facts and commands are named and written down.

use serde::Deserializer;

use crate::version::{Versioned, read_version};

/// Something that is stored or sent under a wire name and a schema version.
///
/// Events, facts heard, commands and rejections are all wire values. The name never depends on a Rust
/// type name, so renaming a type changes nothing that was written. Every [`Versioned`] type is a wire
/// value of one name; [`Messages`](macro@crate::Messages) makes an enum of several.
///
/// ```
/// use bongsu_core::{Messages, Wire, message};
///
/// #[message("account.opened", version = 1, key = account)]
/// pub struct Opened { pub account: String, pub owner: String }
///
/// #[message("account.closed", version = 1, key = account)]
/// pub struct Closed { pub account: String }
///
/// /// What happens to an account.
/// #[derive(Clone, Debug, PartialEq, Messages)]
/// pub enum AccountEvent { Opened(Opened), Closed(Closed) }
///
/// let event = AccountEvent::from(Opened { account: "acc_1".into(), owner: "Ann".into() });
/// assert_eq!(event.name(), ("account.opened", 1));
/// assert_eq!(event.key().as_deref(), Some("acc_1"));
/// let bytes = event.encode();
/// assert_eq!(AccountEvent::decode("account.opened", 1, &bytes), Ok(Some(event)));
/// assert_eq!(AccountEvent::decode("account.renamed", 1, &bytes), Ok(None));
/// assert!(AccountEvent::decode("account.opened", 2, &bytes).is_err());
/// ```
pub trait Wire: Sized + Clone + Send + Sync + 'static {
    /// Whether every value says which one it is about.
    const KEYED: bool = false;
    /// Whether some value begins an instance of the process that hears it.
    const STARTS: bool = false;

    /// Every name this type reads and writes, each with its newest schema.
    fn names() -> Vec<(&'static str, u32)>;

    /// The name and schema this value is written under.
    fn name(&self) -> (&'static str, u32);

    /// The JSON body, without name and schema.
    fn encode(&self) -> Vec<u8>;

    /// Reads a body.
    ///
    /// `Ok(None)`: not a name of this type.
    ///
    /// # Errors
    /// [`DecodeError::Newer`] when the schema is newer than this build knows, [`DecodeError::Broken`]
    /// when the body does not fit its schema. Either way the reader parks the message.
    fn read(name: &str, schema: u32, data: &[u8], extra: Extra) -> Result<Option<Self>, DecodeError>;

    /// Reads a body as events and facts are read: fields that the type does not have are ignored.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn decode(name: &str, schema: u32, data: &[u8]) -> Result<Option<Self>, DecodeError> {
        Self::read(name, schema, data, Extra::Ignored)
    }

    /// Reads the newest version of a name from a reader of any kind: also one that only looks what the type asks for.
    ///
    /// `Ok(None)`: not a name of this type.
    ///
    /// # Errors
    /// As that reader says them.
    fn read_from<'de, D: Deserializer<'de>>(name: &str, reader: D) -> Result<Option<Self>, D::Error>;

    /// Which one this is about: the field named by `key = …`.
    fn key(&self) -> Option<String> {
        None
    }

    /// Whether a process that hears this begins an instance.
    fn starts(&self) -> bool {
        false
    }
}

/// What becomes of fields that a type does not have, at whatever depth.
///
/// Either way an object is an object: a struct is not read from an array, as serde alone would.
///
/// A fact may say more than its reader needs; a command that says more than its reader understands would be done by half.
/// What serde buffers before it reads it (`#[serde(tag)]`, `untagged`, `flatten`) is out of reach of this, with all below it. A
/// message with `flatten` does not compile; a type with a tag in a command says `deny_unknown_fields` itself.
///
/// ```
/// use bongsu_core::{Extra, Wire, message};
///
/// #[message("door.open", version = 1)]
/// struct Open { door: String }
///
/// let body = br#"{"door":"front","slowly":true}"#;
/// assert!(Open::read("door.open", 1, body, Extra::Ignored).is_ok());
/// let refused = Open::read("door.open", 1, body, Extra::Refused).unwrap_err();
/// assert_eq!(refused.to_string(), "door.open.v1 does not decode: unknown field `slowly`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// They are left out: of events and facts.
    Ignored,
    /// They break the message: of commands.
    Refused,
}

/// Why a body of a known name could not be read.
///
/// ```
/// use bongsu_core::DecodeError;
/// let error = DecodeError::Newer { name: "account.opened".into(), schema: 3, known: 1 };
/// assert_eq!(error.to_string(), "account.opened.v3 is newer than the known v1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer build.
    #[error("{name}.v{schema} is newer than the known v{known}")]
    Newer {
        /// Wire name.
        name: String,
        /// The schema found.
        schema: u32,
        /// The newest schema this build reads.
        known: u32,
    },
    /// Of a name that this build does not know here: a newer one wrote it, or an older one.
    #[error("{name}.v{schema} is not known to this build")]
    Unknown {
        /// Wire name.
        name: String,
        /// The schema found.
        schema: u32,
    },
    /// Does not fit the schema it claims.
    #[error("{name}.v{schema} does not decode: {reason}")]
    Broken {
        /// Wire name.
        name: String,
        /// The schema found.
        schema: u32,
        /// What the JSON reader said.
        reason: String,
    },
}

impl<T: Versioned> Wire for T {
    const KEYED: bool = T::KEY.is_some();

    fn names() -> Vec<(&'static str, u32)> {
        vec![(T::NAME, T::SCHEMA)]
    }

    fn name(&self) -> (&'static str, u32) {
        (T::NAME, T::SCHEMA)
    }

    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a derived serde value with string keys always encodes as JSON")
    }

    fn read(name: &str, schema: u32, data: &[u8], extra: Extra) -> Result<Option<Self>, DecodeError> {
        if name == T::NAME { read_version(schema, data, extra).map(Some) } else { Ok(None) }
    }

    fn read_from<'de, D: Deserializer<'de>>(name: &str, reader: D) -> Result<Option<Self>, D::Error> {
        if name == T::NAME { T::deserialize(reader).map(Some) } else { Ok(None) }
    }

    fn key(&self) -> Option<String> {
        T::KEY.map(|key| key(self))
    }
}

/// The key of a message of which every kind has one; that is checked when it is compiled.
pub(crate) fn key_of<W: Wire>(message: &W) -> String {
    const {
        assert!(W::KEYED, "no method says which one this is for, and not every message says it by `key = FIELD`");
    }
    message.key().expect("every kind of message has a key")
}

/// Joins a wire name and schema into the type other contexts see.
///
/// ```
/// assert_eq!(bongsu_core::type_of("account.opened", 1), "account.opened.v1");
/// ```
pub fn type_of(name: &str, schema: u32) -> String {
    format!("{name}.v{schema}")
}

/// Splits a type into wire name and schema; `None` when it does not end in `.v<number>`.
///
/// ```
/// assert_eq!(bongsu_core::split_type("account.opened.v12"), Some(("account.opened", 12)));
/// assert_eq!(bongsu_core::split_type("account.opened"), None);
/// ```
pub fn split_type(full: &str) -> Option<(&str, u32)> {
    let (name, schema) = full.rsplit_once(".v")?;
    Some((name, schema.parse().ok()?))
}
