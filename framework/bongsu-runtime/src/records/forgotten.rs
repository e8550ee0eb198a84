//! That somebody is forgotten here: what was kept about them is deleted, and nothing is begun for them any more.

use serde::{Deserialize, Serialize};

use crate::{
    ports::store::{DocBody, DocKey},
    records::seen::storable,
};

/// Somebody who is forgotten. The id is theirs, as the fact named them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    /// Since when, milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
}

/// The table of those who are forgotten.
pub(crate) const FORGOTTEN: &str = "forgotten";

/// Whether somebody is forgotten here: the document that is there then. A script that keeps something about them names it among
/// what it reads, and leaves it be when [`Script::has`](crate::Script::has) it.
pub fn forgotten(whom: &str) -> DocKey {
    DocKey::of(FORGOTTEN, storable(whom).into_owned())
}

impl Forgotten {
    pub(crate) fn body(&self) -> DocBody {
        let data = serde_json::to_vec(self).expect("a note has string keys and encodes as JSON").into();
        DocBody { data, index: Vec::new() }
    }
}
