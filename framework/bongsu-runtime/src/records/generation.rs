//! Generations of a read model: which one is shown, and how everything that belongs to one is named.
//!
//! Rows, cursors, seen marks and to-dos of one generation carry NAME@VERSION.generation. Which generation of
//! a version is shown is one document; whoever writes rows guards it, whoever reads rows reads it with them.
//! So a swap is one write: from then on the old generation cannot change and nobody is shown it.

use bongsu_core::Projection;
use serde::{Deserialize, Serialize};

use crate::{
    ports::store::{Doc, DocBody, DocKey, StoreError},
    records::unreadable::read,
};

/// The document that says which generation is shown.
#[derive(Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) generation: u64,
}

/// The generation a read model starts with; what is shown while no document says otherwise.
pub(crate) const FIRST: u64 = 1;
pub(crate) const PROJECTION: &str = "projection";

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
    DocKey::of(PROJECTION, root)
}

/// The document that says that a read model once passed the heads noted at a start.
pub(crate) fn filled_key(root: &str) -> DocKey {
    DocKey::of(PROJECTION, format!("{root}/filled"))
}

/// The body that shows a generation.
pub(crate) fn shown_body(generation: u64) -> DocBody {
    let data = serde_json::to_vec(&Shown { generation }).expect("a number encodes as JSON");
    DocBody { data: data.into(), index: Vec::new() }
}

/// The generation a document shows.
pub(crate) fn shown_by(doc: Option<&Doc>) -> Result<u64, StoreError> {
    let Some(doc) = doc else { return Ok(FIRST) };
    let Shown { generation } = read(&doc.key, &doc.data)?;
    Ok(generation)
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
