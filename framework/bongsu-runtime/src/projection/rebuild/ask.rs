//! What an operator asks for and is told: start a rebuild or a check, and how far each read model is.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    commit::{
        attempt::Planned,
        core::Core,
        fail::{CommandError, failed},
        map::ReadModel,
    },
    ports::{
        broker::Partition,
        store::{Commit, CommitId, DocWrite, Guard, StoreError},
    },
    projection::rebuild::{build::commit_id, fill::cursors},
    records::{
        generation::{FIRST, table},
        rebuild::{Ended, Filling, Purpose, State},
    },
};

/// Why a rebuild does not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRebuilt {
    /// No read model of that name; these there are.
    #[error("there is no read model of that name, only: {}", .0.join(", "))]
    Unknown(Vec<&'static str>),
    /// One is under way.
    #[error("generation {generation} is being filled already")]
    Running {
        /// Which.
        generation: u64,
    },
    /// None is under way that could be cancelled.
    #[error("nothing is being filled")]
    Idle,
    /// The store could not say or note it.
    #[error(transparent)]
    Store(#[from] CommandError),
}

impl From<StoreError> for NotRebuilt {
    fn from(error: StoreError) -> Self {
        Self::Store(failed(error))
    }
}

/// One read model as an operator sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReadModelStatus {
    /// NAME.
    pub name: &'static str,
    /// VERSION of this build.
    pub version: u32,
    /// The generation shown.
    pub generation: u64,
    /// Facts published that the rows shown do not have yet; `None` while the broker does not answer.
    pub behind: Option<u64>,
    /// A generation being filled.
    pub filling: Option<FillingStatus>,
    /// How the last rebuild or check ended.
    pub last: Option<Ended>,
}

/// How far a generation is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FillingStatus {
    /// Which.
    pub generation: u64,
    /// What for.
    pub purpose: Purpose,
    /// Events read so far.
    pub done: u64,
    /// Of so many noted at the beginning.
    pub total: u64,
    /// Events per second since the present owner began.
    pub rate: f64,
    /// Seconds left at that rate; `None` before there is a rate.
    pub eta_seconds: Option<f64>,
}

/// Begins a rebuild or a check; returns the generation that is filled. The instance that holds the lease does it.
pub(crate) async fn ask(core: &Arc<Core>, name: &str, purpose: Purpose) -> Result<u64, NotRebuilt> {
    /// Nobody writes the state of a read model that nothing fills but who asks: more than ask at once.
    const TRIES: u32 = 32;
    let model = named(core, name)?;
    let begun = core.until_durable(TRIES, || async {
        let (mut state, revision) = State::load(core.store.as_ref(), model.root()).await?;
        if let Some(filling) = &state.filling {
            return Err(NotRebuilt::Running { generation: filling.generation });
        }
        let generation = state.newest.max(FIRST) + 1;
        state.newest = generation;
        state.filling = Some(Filling::new(generation, purpose, core.env.wall_ms()));
        Ok(Planned::Write(change(core, model.root(), &state, revision), generation))
    });
    told(core, begun.await?)
}

/// Ends a rebuild or a check that is under way; returns the generation that is given up. What is shown stays.
pub(crate) async fn cancel(core: &Arc<Core>, name: &str) -> Result<u64, NotRebuilt> {
    /// The state is written by every Commit of the rebuild, so this one may have to be tried often.
    const TRIES: u32 = 1_000;
    let model = named(core, name)?;
    let cancelled = core.until_durable(TRIES, || async {
        let (mut state, revision) = State::load(core.store.as_ref(), model.root()).await?;
        let Some(generation) = state.filling.as_ref().map(|filling| filling.generation) else {
            return Err(NotRebuilt::Idle);
        };
        state.end(Ended::Failed { why: "an operator cancelled it".into() });
        Ok(Planned::Write(change(core, model.root(), &state, revision), generation))
    });
    told(core, cancelled.await?)
}

/// Tells whoever rebuilds, and whoever asked.
fn told(core: &Core, generation: Option<u64>) -> Result<u64, NotRebuilt> {
    let generation = generation.ok_or(CommandError::Conflict)?;
    core.rebuilds.notify_one();
    Ok(generation)
}

fn named<'a>(core: &'a Core, name: &str) -> Result<&'a Arc<dyn ReadModel>, NotRebuilt> {
    let models = &core.map.read_models;
    let unknown = || NotRebuilt::Unknown(models.iter().map(|model| model.name()).collect());
    models.iter().find(|model| model.name() == name).ok_or_else(unknown)
}

/// The state, if it is still the one that was read.
fn change(core: &Core, root: &str, state: &State, revision: Option<CommitId>) -> Commit {
    let mut commit = Commit::new(commit_id(core, root));
    commit.guards.push(Guard::Doc(State::key(root), revision));
    commit.docs.push(DocWrite { key: State::key(root), put: Some(state.body()) });
    commit
}

/// How far every read model of this build is.
pub(crate) async fn statuses(core: &Arc<Core>) -> Result<Vec<ReadModelStatus>, CommandError> {
    let mut all = Vec::new();
    for model in &core.map.read_models {
        let (generation, _) = core.shown(model.root()).await.map_err(failed)?;
        let (state, _) = State::load(core.store.as_ref(), model.root()).await.map_err(failed)?;
        let behind = behind(core, model, generation).await.map_err(failed)?;
        let filling = state.filling.as_ref().map(Filling::status);
        let (name, version) = (model.name(), model.version());
        all.push(ReadModelStatus { name, version, generation, behind, filling, last: state.last });
    }
    Ok(all)
}

async fn behind(core: &Core, model: &Arc<dyn ReadModel>, generation: u64) -> Result<Option<u64>, StoreError> {
    let mut behind = 0;
    for topic in model.topics() {
        let Ok(bounds) = core.broker.bounds(&topic).await else { return Ok(None) };
        let partitions: Vec<Partition> = bounds.partitions.iter().map(|(partition, ..)| partition.clone()).collect();
        let Ok(at) = cursors(core, &table(model.root(), generation), &partitions).await else { return Ok(None) };
        let at = at.into_iter().map(|(cursor, _)| cursor.map_or(0, |cursor| cursor.offset));
        let left = bounds.partitions.iter().zip(at).map(|((_, _, end), offset)| end.saturating_sub(offset));
        behind += left.sum::<u64>();
    }
    Ok(Some(behind))
}

impl Filling {
    fn new(generation: u64, purpose: Purpose, now_ms: i64) -> Self {
        Self {
            generation,
            purpose,
            started_ms: now_ms,
            since_ms: now_ms,
            since_done: 0,
            at_ms: now_ms,
            done: 0,
            total: 0,
            noted: None,
            position: 0,
        }
    }

    fn status(&self) -> FillingStatus {
        // Of milliseconds.
        let seconds = (self.at_ms - self.since_ms).max(0) as f64 / 1_000.0;
        let rate = if seconds > 0.0 { self.done.saturating_sub(self.since_done) as f64 / seconds } else { 0.0 };
        let left = self.total.saturating_sub(self.done) as f64;
        FillingStatus {
            generation: self.generation,
            purpose: self.purpose,
            done: self.done,
            total: self.total,
            rate,
            eta_seconds: (rate > 0.0).then(|| left / rate),
        }
    }
}
