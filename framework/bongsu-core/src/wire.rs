//! How events, facts and commands are named and written down.

use crate::version::{Versioned, decode_version};

/// Something that is stored or sent under a wire name and a schema version.
///
/// Events, facts heard, commands and rejections are all wire values. The name never depends on a Rust
/// type name, so renaming a type changes nothing that was written. Every [`Versioned`] type is a wire
/// value of one name; [`wire!`](crate::wire!) makes an enum of several.
///
/// ```
/// use bongsu_core::{Wire, version, wire};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// pub struct Opened { pub owner: String }
/// version!(Opened, "account.opened", 1);
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// pub struct Closed {}
/// version!(Closed, "account.closed", 1);
///
/// wire! {
///     /// What happens to an account.
///     pub enum AccountEvent { Opened(Opened), Closed(Closed) }
/// }
///
/// let event = AccountEvent::from(Opened { owner: "Ann".into() });
/// assert_eq!(event.name(), ("account.opened", 1));
/// let bytes = event.encode();
/// assert_eq!(AccountEvent::decode("account.opened", 1, &bytes), Ok(Some(event)));
/// assert_eq!(AccountEvent::decode("account.renamed", 1, &bytes), Ok(None));
/// assert!(AccountEvent::decode("account.opened", 2, &bytes).is_err());
/// ```
pub trait Wire: Sized {
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
    fn decode(name: &str, schema: u32, data: &[u8]) -> Result<Option<Self>, DecodeError>;
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
    fn names() -> Vec<(&'static str, u32)> {
        vec![(T::NAME, T::SCHEMA)]
    }

    fn name(&self) -> (&'static str, u32) {
        (T::NAME, T::SCHEMA)
    }

    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a derived serde value with string keys always encodes as JSON")
    }

    fn decode(name: &str, schema: u32, data: &[u8]) -> Result<Option<Self>, DecodeError> {
        if name == T::NAME { decode_version(schema, data).map(Some) } else { Ok(None) }
    }
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

/// Declares an enum whose variants are [`Versioned`] types: the enum, `From` each of them, and [`Wire`].
///
/// See [`Wire`] for an example.
#[macro_export]
macro_rules! wire {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident($ty:ty)),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis enum $name {
            $($(#[$vmeta])* #[doc = concat!("A [`", stringify!($ty), "`].")] $variant($ty)),+
        }

        $(impl From<$ty> for $name {
            fn from(value: $ty) -> Self {
                Self::$variant(value)
            }
        })+

        impl $crate::Wire for $name {
            fn names() -> Vec<(&'static str, u32)> {
                vec![$((<$ty as $crate::Versioned>::NAME, <$ty as $crate::Versioned>::SCHEMA)),+]
            }

            fn name(&self) -> (&'static str, u32) {
                match self { $(Self::$variant(inner) => $crate::Wire::name(inner)),+ }
            }

            fn encode(&self) -> Vec<u8> {
                match self { $(Self::$variant(inner) => $crate::Wire::encode(inner)),+ }
            }

            fn decode(name: &str, schema: u32, data: &[u8]) -> Result<Option<Self>, $crate::DecodeError> {
                $(if name == <$ty as $crate::Versioned>::NAME {
                    return $crate::decode_version::<$ty>(schema, data).map(|inner| Some(Self::$variant(inner)));
                })+
                Ok(None)
            }
        }
    };
}
