//! The history of this store, and which partings of others were looked after.

use crate::ports::{
    broker::History,
    store::{DocBody, DocKey, DocWrite},
};

/// The table of the one history, and that of the partings that were looked after.
pub(crate) const HISTORY: &str = "history";
pub(crate) const PARTING: &str = "parting";

/// Where it is kept.
pub(crate) fn history_key() -> DocKey {
    DocKey::of(HISTORY, "own")
}

pub(crate) fn history_written(history: &History) -> DocWrite {
    let data = serde_json::to_vec(history).expect("a history has string keys and encodes as JSON");
    DocWrite { key: history_key(), put: Some(DocBody { data: data.into(), index: Vec::new() }) }
}

/// How many partings of a source were looked after.
pub(crate) fn parting_key(source: &str) -> DocKey {
    DocKey::of(PARTING, source)
}
