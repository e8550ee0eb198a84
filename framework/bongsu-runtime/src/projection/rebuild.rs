//! Rebuilding a read model while it is shown: a new generation beside it is filled from the first fact, and shown
//! in one Commit once it has everything the old one has.
//!
//! One instance does it, under a lease; should it die, another goes on behind its last Commit. Nothing but the
//! folds runs: policies, processes and activities never hear of it. Start reading at [`run`].

pub(crate) mod ask;
pub(crate) mod build;
pub(crate) mod compare;
pub(crate) mod gap;
pub(crate) mod facts;
pub(crate) mod fill;
pub(crate) mod marks;
pub(crate) mod old;
pub(crate) mod pace;
pub(crate) mod rows;
pub(crate) mod swap;
pub(crate) mod sweep;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{FutureExt, pin_mut, select_biased};

use crate::{
    commit::{core::Core, map::ReadModel},
    projection::rebuild::build::{Build, Halt},
    records::{
        lease::Resource,
        rebuild::{Ended, Purpose, State},
    },
};

pub(crate) use ask::{ask, cancel, statuses};
pub(crate) use old::{drop_old, list_old};

/// How often an instance looks whether there is something to rebuild that it was not told of: one read a second, and who
/// asked another instance for a rebuild waits no longer.
const LOOK: Duration = Duration::from_secs(1);
/// The same in a build that has no read model: it has only what earlier builds left to delete, which may take its time.
const SELDOM: Duration = Duration::from_secs(60);

/// Rebuilds what it holds the lease of, one read model after the other; at the start and when told to, deletes what was
/// dropped of earlier versions.
pub(crate) async fn run(core: Arc<Core>) {
    let mut poison = BTreeSet::new();
    let mut pauses = 0_u32;
    let mut old = true;
    loop {
        let rung = core.rebuilds.notified().fuse();
        pin_mut!(rung);
        let mut wait = if core.map.read_models.is_empty() { SELDOM } else { LOOK };
        if old {
            match old::sweep_old(&core).await {
                Ok(()) => old = false,
                Err(halt) => {
                    tracing::warn!(%halt, "what is kept of earlier versions has to wait");
                    wait = LOOK;
                }
            }
        }
        for model in core.map.read_models.clone() {
            match work(&core, &model, &mut poison).await {
                Ok(()) => pauses = 0,
                Err(Halt::Again | Halt::Lost) => wait = core.pause(0),
                Err(Halt::Hopeless(why)) => give_up(&core, &model, why).await,
                Err(halt) => {
                    tracing::warn!(read_model = model.root(), %halt, "a rebuild has to wait");
                    pauses = pauses.saturating_add(1);
                    wait = core.pause(pauses);
                }
            }
        }
        let nap = core.env.sleep(wait).fuse();
        pin_mut!(nap);
        select_biased! { () = rung => old = true, () = nap => {} }
    }
}

/// Does what the state of a read model asks for, if this instance is to do it.
async fn work(core: &Arc<Core>, model: &Arc<dyn ReadModel>, poison: &mut BTreeSet<String>) -> Result<(), Halt> {
    let lease = Resource::Rebuild(model.root().to_owned());
    if core.leases.guard(&lease).is_none() {
        return Ok(());
    }
    let (state, revision) = State::load(core.store.as_ref(), model.root()).await.map_err(Halt::Store)?;
    if state.is_idle() {
        return Ok(());
    }
    let mut build = if state.filling.is_some() {
        let mut build = Build::resume(core, model, &lease).await?;
        fill(&mut build, poison).await?;
        poison.clear();
        build
    } else {
        Build::new(core, model, &lease, state)
    };
    if build.revision.is_none() {
        build.revision = revision;
    }
    build.sweep().await
}

/// Fills a generation and ends it, by showing or by comparing it.
async fn fill(build: &mut Build, poison: &mut BTreeSet<String>) -> Result<(), Halt> {
    tracing::info!(read_model = build.table, "a generation is being filled");
    build.read_own(poison).await?;
    if build.filling()?.purpose == Purpose::Check {
        let ended = build.compare(poison).await?;
        build.state.end(ended);
        let commit = build.commit()?;
        build.send(commit);
        return build.settle().await;
    }
    loop {
        let any = build.follow(None, poison).await?;
        if any && !build.has_passed() {
            continue;
        }
        if build.is_dirty() {
            build.flush().await?;
        }
        if build.has_passed() && build.try_swap().await? {
            tracing::info!(read_model = build.table, "a new generation is shown");
            return Ok(());
        }
    }
}

/// Ends a rebuild that can never succeed; what is shown stays.
async fn give_up(core: &Arc<Core>, model: &Arc<dyn ReadModel>, why: String) {
    tracing::error!(code = "rebuild-failed", read_model = model.root(), why, "a rebuild was given up");
    let Ok((mut state, revision)) = State::load(core.store.as_ref(), model.root()).await else { return };
    state.end(Ended::Failed { why });
    let mut build = Build::new(core, model, &Resource::Rebuild(model.root().to_owned()), state);
    build.revision = revision;
    if let Ok(commit) = build.commit() {
        build.send(commit);
        if let Err(halt) = build.settle().await {
            tracing::warn!(read_model = model.root(), %halt, "that could not be noted");
        }
    }
}
