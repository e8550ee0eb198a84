//! Versions of one message form a chain of single hops; a missing hop does not compile.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::wire::DecodeError;

/// One schema version of a named message, and how it is made from the version before it.
///
/// Implemented by [`version!`](crate::version!), which also checks that the chain has no hole.
///
/// ```
/// use bongsu_core::{Versioned, decode_version, version};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct MovedV1 { to: String }
/// version!(MovedV1, "person.moved", 1);
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Moved { street: String, country: String }
/// version!(Moved, "person.moved", 2, from MovedV1, |old| Moved { street: old.to, country: "KR".into() });
///
/// let today: Moved = decode_version(1, br#"{"to":"Main St 1"}"#).unwrap();
/// assert_eq!(today, Moved { street: "Main St 1".into(), country: "KR".into() });
/// ```
///
/// A version that skips one is refused by `cargo check`:
///
/// ```compile_fail
/// use bongsu_core::version;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct MovedV1 { to: String }
/// version!(MovedV1, "person.moved", 1);
///
/// #[derive(Serialize, Deserialize)]
/// struct MovedV3 { to: String }
/// version!(MovedV3, "person.moved", 3, from MovedV1, |old| MovedV3 { to: old.to });
/// ```
pub trait Versioned: Serialize + DeserializeOwned {
    /// Wire name, without the version.
    const NAME: &'static str;
    /// Schema version, from 1.
    const SCHEMA: u32;
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
#[derive(Debug, Serialize, Deserialize)]
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
/// use bongsu_core::{DecodeError, decode_version, version};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Opened { owner: String }
/// version!(Opened, "account.opened", 1);
///
/// assert!(matches!(decode_version::<Opened>(2, b"{}"), Err(DecodeError::Newer { known: 1, .. })));
/// assert!(matches!(decode_version::<Opened>(1, b"{}"), Err(DecodeError::Broken { .. })));
/// ```
pub fn decode_version<T: Versioned>(schema: u32, data: &[u8]) -> Result<T, DecodeError> {
    if schema > T::SCHEMA {
        return Err(DecodeError::Newer { name: T::NAME.into(), schema, known: T::SCHEMA });
    }
    if schema == T::SCHEMA {
        return serde_json::from_slice(data).map_err(|error| DecodeError::Broken {
            name: T::NAME.into(),
            schema,
            reason: error.to_string(),
        });
    }
    decode_version::<T::Prev>(schema, data).map(T::up)
}

/// Whether `(name, schema)` follows `(prev_name, prev_schema)` in one chain.
#[doc(hidden)]
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

/// Declares a type to be one version of a named message. See [`Versioned`].
#[macro_export]
macro_rules! version {
    ($ty:ty, $name:expr, 1) => {
        impl $crate::Versioned for $ty {
            const NAME: &'static str = $name;
            const SCHEMA: u32 = 1;
            type Prev = $crate::Origin;

            fn up(prev: $crate::Origin) -> Self {
                match prev {}
            }
        }
    };
    ($ty:ty, $name:expr, $schema:literal, from $prev:ty, $up:expr) => {
        impl $crate::Versioned for $ty {
            const NAME: &'static str = $name;
            const SCHEMA: u32 = $schema;
            type Prev = $prev;

            fn up(prev: $prev) -> Self {
                let up: fn($prev) -> Self = $up;
                up(prev)
            }
        }
        const _: () = assert!(
            $crate::is_next($name, $schema, <$prev as $crate::Versioned>::NAME, <$prev as $crate::Versioned>::SCHEMA),
            "a version is made from the version just before it, under the same name"
        );
    };
}
