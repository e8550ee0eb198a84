//! What a context tells the others.

use crate::{
    version::Versioned,
    wire::{Wire, key_of},
};

/// A fact to publish, mapped from a private event when the Commit is built.
///
/// ```
/// use bongsu_core::{Public, message};
///
/// #[message("bank.account-opened", version = 1, key = account)]
/// struct AccountOpened { account: String }
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
    /// Encodes a fact under its own key, which it must have.
    ///
    /// ```
    /// use bongsu_core::{Public, message};
    ///
    /// #[message("bank.account-opened", version = 1, key = account)]
    /// struct AccountOpened { account: String }
    ///
    /// assert_eq!(Public::of(&AccountOpened { account: "acc_1".into() }).key, "acc_1");
    /// ```
    pub fn of<T: Versioned>(fact: &T) -> Self {
        Self::new(key_of(fact), fact)
    }

    /// Encodes a fact under a partition key.
    pub fn new<T: Versioned>(key: impl Into<String>, fact: &T) -> Self {
        Self { name: T::NAME, schema: T::SCHEMA, data: Wire::encode(fact), key: key.into() }
    }
}
