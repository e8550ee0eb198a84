//! The history of this service's store, and whether it is the one that the broker has.
//!
//! A store that was restored from a copy, or begun anew, goes on with numbers that were given before: what it published
//! would be taken for repetitions. So the store names its history once, at the first start, and store and broker agree
//! on position and Commit of the last fact before anything is published. [0016](../../../../docs/decisions/0016-histories-part-aloud.md)
//! says why.

use std::sync::Arc;

use bongsu_core::digest;

use crate::{
    commit::core::Core,
    ports::{
        broker::{History, HistoryId},
        store::{Commit, CommitId, Doc, Guard, StoreError, Verdict},
    },
    records::{
        history::{history_key, history_written},
        unreadable,
    },
};

/// The history of this store; given a name if it has none.
pub(crate) async fn own(core: &Core) -> Result<History, StoreError> {
    loop {
        if let Some((history, _)) = read(core).await? {
            return Ok(history);
        }
        let id = HistoryId::drawn(&*core.env);
        let mut commit = Commit::new(CommitId(digest(&["history", &format!("{:032x}", id.0)])));
        commit.guards.push(Guard::Doc(history_key(), None));
        commit.docs.push(history_written(&History::new(id)));
        match core.store.commit(commit).await? {
            Verdict::Done => tracing::info!(history = format!("{:032x}", id.0), "this store begins a history"),
            // Another instance was faster.
            Verdict::Refused(_) => {}
        }
    }
}

/// The history of this store with its document.
async fn read(core: &Core) -> Result<Option<(History, Doc)>, StoreError> {
    let Some(doc) = core.store.docs(vec![history_key()]).await?.pop().flatten() else { return Ok(None) };
    Ok(Some((unreadable::read(&doc.key, &doc.data)?, doc)))
}

/// What an operator is told to do.
pub(crate) fn remedy(core: &Arc<Core>) -> String {
    format!("bongsu adopt {}", core.map.name)
}
