//! The history of this service's store, and whether it is the one that the broker has.
//!
//! A store that was restored from a copy, or begun anew, goes on with numbers that were given before: what it published
//! would be taken for repetitions. So the store names its history once, at the first start, and store and broker agree
//! on position and Commit of the last fact before anything is published. [0016](../../../../docs/decisions/0016-histories-part-aloud.md)
//! says why.

use std::sync::Arc;

use bongsu_core::digest;

use crate::{
    commit::{attempt::Planned, core::Core},
    ports::{
        broker::{History, HistoryId},
        store::{Commit, CommitId, Doc, Guard, StoreError},
    },
    records::{
        history::{history_key, history_written},
        unreadable,
    },
};

/// How often this store is given a name: once it has one, that one counts.
const TRIES: u32 = 3;

/// The history of this store; given a name if it has none.
pub(crate) async fn own(core: &Core) -> Result<History, StoreError> {
    let named = core.until_durable(TRIES, || async {
        if let Some((history, _)) = read(core).await? {
            return Ok(Planned::Nothing(history));
        }
        let history = History::new(HistoryId::drawn(&*core.env));
        let name = format!("{:032x}", history.id.0);
        let mut commit = Commit::new(CommitId(digest(&["history", &name])));
        commit.guards.push(Guard::Doc(history_key(), None));
        commit.docs.push(history_written(&history));
        tracing::info!(history = name, "this store begins a history, unless another instance is faster");
        Ok::<_, StoreError>(Planned::Write(commit, history))
    });
    named.await?.ok_or_else(|| StoreError::Unavailable("the name of its history is not settled yet".into()))
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
