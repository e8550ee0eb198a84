//! Generations of a read model: which one is shown, and how everything that belongs to one is named.
//!
//! Rows, cursors, seen marks and to-dos of one generation carry NAME@VERSION.generation. Which generation of
//! a version is shown is one document; whoever writes rows guards it, whoever reads rows reads it with them.
//! So a swap is one write: from then on the old generation cannot change and nobody is shown it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bongsu_core::Projection;
use serde::{Deserialize, Serialize};

use crate::{
    commit::core::Core,
    consume::policy::Consumer,
    ports::store::{Doc, DocBody, DocKey, Guard, StoreError},
};

/// The generation a read model starts with; what is shown while no document says otherwise.
pub(crate) const FIRST: u64 = 1;
const PROJECTION: &str = "projection";

/// The document that says which generation is shown.
#[derive(Serialize, Deserialize)]
struct Shown {
    generation: u64,
}

/// What this process believes is shown, by NAME@VERSION. A hint: who reads by it looks whether it held.
#[derive(Default)]
pub(crate) struct Generations(Mutex<BTreeMap<String, u64>>);

/// NAME@VERSION: what a build feeds and serves.
pub(crate) fn root_of<P: Projection>() -> String {
    format!("{}@{}", P::NAME, P::VERSION)
}

/// NAME@VERSION.generation: the table of rows, and the consumer that fills it.
pub(crate) fn table(root: &str, generation: u64) -> String {
    format!("{root}.{generation}")
}

/// The read model and generation of a consumer; `None` when it is no read model's.
pub(crate) fn split(consumer: &str) -> Option<(&str, u64)> {
    let (root, generation) = consumer.rsplit_once('.')?;
    root.contains('@').then_some(())?;
    Some((root, generation.parse().ok()?))
}

/// The document that says which generation is shown.
pub(crate) fn shown_key(root: &str) -> DocKey {
    DocKey::new(PROJECTION, root)
}

/// The document that says that a read model once passed the heads noted at a start.
pub(crate) fn filled_key(root: &str) -> DocKey {
    DocKey::new(PROJECTION, format!("{root}/filled"))
}

/// The body that shows a generation.
pub(crate) fn shown_body(generation: u64) -> DocBody {
    let data = serde_json::to_vec(&Shown { generation }).expect("a number encodes as JSON");
    DocBody { data: data.into(), index: Vec::new() }
}

/// The generation a document shows.
pub(crate) fn shown_by(doc: Option<&Doc>) -> Result<u64, StoreError> {
    let Some(doc) = doc else { return Ok(FIRST) };
    let shown: Result<Shown, _> = serde_json::from_slice(&doc.data);
    shown.map(|shown| shown.generation).map_err(|error| StoreError::Corrupt(format!("{}: {error}", doc.key)))
}

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

impl Core {
    /// The generation shown now, and the guard that it stays so.
    pub(crate) async fn shown(&self, root: &str) -> Result<(u64, Guard), StoreError> {
        let doc = self.store.docs(vec![shown_key(root)]).await?.pop().flatten();
        let guard = Guard::Doc(shown_key(root), doc.as_ref().map(|doc| doc.revision));
        Ok((shown_by(doc.as_ref())?, guard))
    }

    /// A reader as it is now: of a read model the one of the generation shown, with the guard that it stays so.
    pub(crate) async fn reader(
        &self,
        consumer: Arc<dyn Consumer>,
    ) -> Result<(Arc<dyn Consumer>, Option<Guard>), StoreError> {
        if !consumer.is_read_model() {
            return Ok((consumer, None));
        }
        let (generation, guard) = self.shown(consumer.name()).await?;
        Ok((consumer.generation(generation).unwrap_or(consumer), Some(guard)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_its_read_model_and_generation() {
        assert_eq!(split(&table("visitors@3", 12)), Some(("visitors@3", 12)));
        for other in ["visitors", "visitors@3", "a.1", "visitors@3.x"] {
            assert_eq!(split(other), None, "{other}");
        }
    }
}
