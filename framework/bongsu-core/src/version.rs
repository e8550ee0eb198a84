//! Versions of one message form a chain of single hops; a missing hop does not compile.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    strict::Strict,
    wire::{DecodeError, Extra},
};

/// One schema version of a named message, and how it is made from the version before it.
///
/// Implemented by [`message`](macro@crate::message), which also checks that the chain has no hole.
///
/// ```
/// use bongsu_core::{decode_version, message};
///
/// #[message("person.moved", version = 1)]
/// struct MovedV1 { to: String }
///
/// #[message("person.moved", version = 2, from = MovedV1)]
/// struct Moved { street: String, country: String }
///
/// impl From<MovedV1> for Moved {
///     fn from(old: MovedV1) -> Self {
///         Self { street: old.to, country: "KR".into() }
///     }
/// }
///
/// let today: Moved = decode_version(1, br#"{"to":"Main St 1"}"#).unwrap();
/// assert_eq!(today, Moved { street: "Main St 1".into(), country: "KR".into() });
/// ```
///
/// A version that skips one is refused by `cargo check`:
///
/// ```compile_fail,E0080
/// use bongsu_core::message;
///
/// #[message("person.moved", version = 1)]
/// struct MovedV1 { to: String }
///
/// #[message("person.moved", version = 3, from = MovedV1)]
/// struct MovedV3 { to: String }
///
/// impl From<MovedV1> for MovedV3 {
///     fn from(old: MovedV1) -> Self {
///         Self { to: old.to }
///     }
/// }
/// ```
pub trait Versioned: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Wire name, without the version.
    const NAME: &'static str;
    /// Schema version, from 1.
    const SCHEMA: u32;
    /// Reads the field that says which one the message is about; `None` without such a field.
    const KEY: Option<fn(&Self) -> String> = None;
    /// The version before this one; [`Origin`] before the first.
    type Prev: Versioned;

    /// Makes this version from the one before it.
    fn up(prev: Self::Prev) -> Self;
}

/// What stands before version 1. It has no values.
///
/// ```
/// use bongsu_core::{Origin, Versioned};
/// assert_eq!(Origin::SCHEMA, 0);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Origin {}

impl Versioned for Origin {
    const NAME: &'static str = "";
    const SCHEMA: u32 = 0;
    type Prev = Self;

    fn up(prev: Self) -> Self {
        prev
    }
}

/// Reads a body of any known schema and lifts it to `T`, hop by hop.
///
/// # Errors
/// As [`Wire::decode`](crate::Wire::decode).
///
/// ```
/// use bongsu_core::{DecodeError, decode_version, message};
///
/// #[message("account.opened", version = 1)]
/// struct Opened { owner: String }
///
/// assert!(matches!(decode_version::<Opened>(2, b"{}"), Err(DecodeError::Newer { known: 1, .. })));
/// assert!(matches!(decode_version::<Opened>(1, b"{}"), Err(DecodeError::Broken { .. })));
/// ```
pub fn decode_version<T: Versioned>(schema: u32, data: &[u8]) -> Result<T, DecodeError> {
    read_version(schema, data, Extra::Ignored)
}

/// The same, with a say about fields that the version has not.
pub(crate) fn read_version<T: Versioned>(schema: u32, data: &[u8], extra: Extra) -> Result<T, DecodeError> {
    if schema > T::SCHEMA {
        return Err(DecodeError::Newer { name: T::NAME.into(), schema, known: T::SCHEMA });
    }
    if schema == T::SCHEMA {
        let broken = |reason| DecodeError::Broken { name: T::NAME.into(), schema, reason };
        return read_body(data, extra).map_err(broken);
    }
    read_version::<T::Prev>(schema, data, extra).map(T::up)
}

/// What is left over is looked for only where it must not be: to name it, every name of the body is kept.
fn read_body<T: DeserializeOwned>(data: &[u8], extra: Extra) -> Result<T, String> {
    // Looked at once as a whole, text need not be looked at member by member.
    let text = std::str::from_utf8(data).map_err(|error| error.to_string())?;
    let mut json = serde_json::Deserializer::from_str(text);
    let mut first = None;
    let body = match extra {
        Extra::Ignored => T::deserialize(Strict(&mut json)),
        Extra::Refused => serde_ignored::deserialize(Strict(&mut json), |path| {
            first.get_or_insert_with(|| path.to_string());
        }),
    };
    let body = body.and_then(|body| json.end().map(|()| body)).map_err(|error| error.to_string())?;
    first.map_or(Ok(body), |field| Err(format!("unknown field `{field}`")))
}

/// Whether `(name, schema)` follows `(prev_name, prev_schema)` in one chain.
pub const fn is_next(name: &str, schema: u32, prev_name: &str, prev_schema: u32) -> bool {
    let (a, b) = (name.as_bytes(), prev_name.as_bytes());
    if prev_schema + 1 != schema || a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether no name stands twice.
pub const fn are_distinct(names: &[&str]) -> bool {
    let mut at = 0;
    while at < names.len() {
        let mut other = at + 1;
        while other < names.len() {
            if is_next(names[at], 1, names[other], 0) {
                return false;
            }
            other += 1;
        }
        at += 1;
    }
    true
}
