//! A clean stop: what is held is given back, so that nobody waits for a silence.

use std::sync::{Arc, atomic::Ordering};

use bongsu_core::digest;

use crate::{
    commit::{attempt::Planned, core::Core},
    lease::keeper::Keeper,
    ports::store::{Commit, CommitId, Doc, DocKey, DocWrite, Guard, StoreError},
    records::lease::{Beat, MEMBER},
};

/// Gives every lease and the membership back; called at a clean stop.
pub(crate) async fn leave(core: &Arc<Core>) {
    let keeper = Keeper::new(core.clone());
    if let Err(error) = keeper.give_back(|_| true).await {
        tracing::warn!(%error, "leases could not be given back; they expire");
    }
    if let Err(error) = resign(core).await {
        tracing::warn!(%error, "the membership could not be given back; it expires");
    }
}

/// Deletes this process's heartbeat, and nobody else's. A heartbeat still under way may come in between.
async fn resign(core: &Arc<Core>) -> Result<(), StoreError> {
    /// A heartbeat that is still under way comes in between once. After that it is left to expire.
    const TRIES: u32 = 3;
    let key = DocKey::of(MEMBER, &core.settings.slot);
    let resigned = core.until_durable(TRIES, || async {
        let found = core.store.docs(vec![key.clone()]).await?.pop().flatten();
        let own = Some(core.leases.incarnation.load(Ordering::Relaxed));
        let is_own = |doc: &Doc| serde_json::from_slice::<Beat>(&doc.data).ok().map(|beat| beat.incarnation) == own;
        let Some(doc) = found.filter(is_own) else { return Ok(Planned::Nothing(())) };
        let random = core.env.random().to_string();
        let mut commit = Commit::new(CommitId(digest(&["leave", &core.settings.slot, &random])));
        commit.guards.push(Guard::Doc(key.clone(), Some(doc.revision)));
        commit.docs.push(DocWrite { key: key.clone(), put: None });
        Ok::<_, StoreError>(Planned::Write(commit, ()))
    });
    resigned.await.map(drop)
}
