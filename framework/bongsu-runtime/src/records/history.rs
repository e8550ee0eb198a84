//! The history of this store, and which partings of others were looked after.

use crate::ports::{
    broker::History,
    store::{DocBody, DocKey, DocWrite},
};

/// Where it is kept.
pub(crate) fn history_key() -> DocKey {
    DocKey::new("history", "own")
}

pub(crate) fn history_written(history: &History) -> DocWrite {
    let data = serde_json::to_vec(history).expect("a history has string keys and encodes as JSON");
    DocWrite { key: history_key(), put: Some(DocBody { data: data.into(), index: Vec::new() }) }
}

/// How many partings of a source were looked after.
pub(crate) fn parting_key(source: &str) -> DocKey {
    DocKey::new("parting", source)
}
