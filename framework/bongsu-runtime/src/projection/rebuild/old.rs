//! Read models of versions that no build here has any more: which there are, and dropping one.
//!
//! A version's name keeps its two small documents: they say which generations were used up. So dropping one is to
//! show an empty generation, in one Commit, and then to delete the others: a process of that version that comes back
//! meanwhile finds nothing half deleted, and fills its table from the first fact as a new one does.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    commit::{
        attempt::Planned,
        core::Core,
        fail::{CommandError, failed},
    },
    ports::store::{Commit, DocWrite, Guard, StoreError},
    projection::rebuild::{
        build::{Halt, commit_id, tried},
        pace::Pace,
        sweep::{pages, parts},
    },
    records::{
        cursor::CURSOR,
        generation::{FIRST, filled_key, shown_body, shown_by, shown_key, split, table},
        rebuild::{REBUILD, State},
    },
};

/// Why a read model is not dropped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDropped {
    /// Nothing is kept of it; of these there is.
    #[error("nothing is kept of such a read model of an earlier version, only of: {}", list(.0))]
    Unknown(Vec<String>),
    /// A process shows or fills it.
    #[error("the process in slot {slot} shows or fills it")]
    InUse {
        /// Which.
        slot: String,
    },
    /// The store could not say or note it.
    #[error(transparent)]
    Store(#[from] CommandError),
}

impl From<StoreError> for NotDropped {
    fn from(error: StoreError) -> Self {
        Self::Store(failed(error))
    }
}

fn list(roots: &[String]) -> String {
    if roots.is_empty() { "none".to_owned() } else { roots.join(", ") }
}

/// The slot of an instance whose build has this consumer.
fn slot_with(core: &Core, consumer: &str) -> Option<String> {
    if core.map.readers().contains(consumer) {
        return Some(core.settings.slot.clone());
    }
    let members = core.leases.members();
    members.iter().find(|(_, member)| member.consumers.contains(consumer)).map(|(slot, _)| slot.clone())
}

/// NAME@VERSION of every read model of which something is kept and that no process here reads.
pub(crate) async fn list_old(core: &Core) -> Result<Vec<String>, StoreError> {
    let mut roots = BTreeSet::new();
    let mut pages = pages(core, CURSOR, None, "");
    while let Some(docs) = pages.next().await? {
        let consumers = docs.iter().filter_map(|doc| doc.key.id.split('/').next());
        roots.extend(consumers.filter_map(split).map(|(root, _)| root.to_owned()));
    }
    Ok(roots.into_iter().filter(|root| slot_with(core, root).is_none()).collect())
}

/// Drops everything of a read model of an earlier version. Returns when it is shown no more; deleting goes on.
pub(crate) async fn drop_old(core: &Arc<Core>, root: &str) -> Result<(), NotDropped> {
    /// Nobody writes about a version that no build here has but who drops it: more than do so at once.
    const TRIES: u32 = 32;
    let dropped = core.until_durable(TRIES, || async {
        if let Some(slot) = slot_with(core, root) {
            return Err(NotDropped::InUse { slot });
        }
        let known = list_old(core).await?;
        if !known.iter().any(|known| known == root) {
            return Err(NotDropped::Unknown(known));
        }
        let (state, revision) = State::load(core.store.as_ref(), root).await?;
        let shown = core.store.docs(vec![shown_key(root)]).await?.pop().flatten();
        let last = state.newest.max(shown_by(shown.as_ref())?).max(FIRST);
        let after = State { newest: last + 1, drop: (FIRST..=last).collect(), ..State::default() };
        let mut commit = Commit::new(commit_id(core, root));
        commit.guards.push(Guard::Doc(State::key(root), revision));
        commit.guards.push(Guard::Doc(shown_key(root), shown.map(|doc| doc.revision)));
        commit.docs.push(DocWrite { key: State::key(root), put: Some(after.body()) });
        commit.docs.push(DocWrite { key: shown_key(root), put: Some(shown_body(last + 1)) });
        commit.docs.push(DocWrite { key: filled_key(root), put: None });
        Ok(Planned::Write(commit, ()))
    });
    dropped.await?.ok_or(CommandError::Conflict)?;
    core.rebuilds.notify_one();
    Ok(())
}

/// Deletes what was dropped of read models that this build does not have.
pub(crate) async fn sweep_old(core: &Arc<Core>) -> Result<(), Halt> {
    let mut pages = pages(core, REBUILD, None, "");
    while let Some(docs) = pages.next().await.map_err(Halt::Store)? {
        for doc in docs {
            let root = doc.key.id;
            if core.map.read_models.iter().all(|model| root != model.root()) {
                sweep(core, &root).await?;
            }
        }
    }
    Ok(())
}

/// Several instances may do this at once: what is deleted can come back for none of them.
async fn sweep(core: &Arc<Core>, root: &str) -> Result<(), Halt> {
    let mut pace = Pace::new(core);
    let (mut state, mut revision) = State::load(core.store.as_ref(), root).await.map_err(Halt::Store)?;
    while let Some(generation) = state.drop.first().copied() {
        for (of, prefix) in parts(&table(root, generation)) {
            let mut pages = pages(core, &of, None, &prefix);
            while let Some(docs) = pages.next().await.map_err(Halt::Store)? {
                let since = core.env.mono();
                let mut commit = Commit::new(commit_id(core, root));
                commit.guards.push(Guard::Doc(State::key(root), revision));
                commit.docs.extend(docs.into_iter().map(|doc| DocWrite { key: doc.key, put: None }));
                tried(core.attempt_documents(commit).await)?;
                if pace.is_busy().await {
                    pace.rest(since).await;
                }
            }
        }
        state.drop.remove(0);
        let mut commit = Commit::new(commit_id(core, root));
        commit.guards.push(Guard::Doc(State::key(root), revision));
        commit.docs.push(DocWrite { key: State::key(root), put: Some(state.body()) });
        revision = Some(commit.id);
        tried(core.attempt_documents(commit).await)?;
    }
    Ok(())
}
