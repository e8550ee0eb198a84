//! Stored documents that this build cannot read: a newer build's, or broken ones.

use serde::Deserialize;

use crate::ports::store::StoreError;

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} does not decode: {why}")]
pub(crate) struct Unreadable {
    what: String,
    why: String,
}

/// Reads a document; `what` says in an error which one.
pub(crate) fn read<'d, T: Deserialize<'d>>(what: impl ToString, data: &'d [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(data).map_err(|error| Unreadable { what: what.to_string(), why: error.to_string() })
}

/// For whoever reads what there must be, a store with such a document is broken.
impl From<Unreadable> for StoreError {
    fn from(unreadable: Unreadable) -> Self {
        Self::Corrupt(unreadable.to_string())
    }
}
