//! What a context tells the others.

use crate::{version::Versioned, wire::Wire};

/// A fact to publish, mapped from a private event when the Commit is built.
///
/// ```
/// use bongsu_core::{Public, version};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct AccountOpened { account: String }
/// version!(AccountOpened, "bank.account-opened", 1);
///
/// let fact = Public::new("acc_1", &AccountOpened { account: "acc_1".into() });
/// assert_eq!((fact.name, fact.schema, fact.key.as_str()), ("bank.account-opened", 1, "acc_1"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// Wire name.
    pub name: &'static str,
    /// Schema version.
    pub schema: u32,
    /// Encoded body.
    pub data: Vec<u8>,
    /// Partition key: facts with the same key stay in order and in one partition.
    pub key: String,
}

impl Public {
    /// Encodes a fact under a partition key.
    pub fn new<T: Versioned>(key: impl Into<String>, fact: &T) -> Self {
        Self { name: T::NAME, schema: T::SCHEMA, data: Wire::encode(fact), key: key.into() }
    }
}
