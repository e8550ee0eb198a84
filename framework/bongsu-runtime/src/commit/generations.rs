//! Which generation of each read model is believed to be shown.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    ports::store::{Doc, StoreError},
    records::generation::{FIRST, shown_by},
};

/// What this process believes is shown, by NAME@VERSION. A hint: who reads by it looks whether it held.
#[derive(Default)]
pub(crate) struct Generations(Mutex<BTreeMap<String, u64>>);

impl Generations {
    /// The generation believed to be shown.
    pub(crate) fn believed(&self, root: &str) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(root).copied().unwrap_or(FIRST)
    }

    /// Whether what was read by `believed` is what is shown; learns what is.
    pub(crate) fn confirm(&self, root: &str, believed: u64, doc: Option<&Doc>) -> Result<bool, StoreError> {
        let shown = shown_by(doc)?;
        if shown != believed {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(root.to_owned(), shown);
        }
        Ok(shown == believed)
    }
}
