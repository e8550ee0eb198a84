//! What an operator asks for and is told: start a rebuild or a check, and how far each read model is.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    command::{CommandError, failed},
    core::Core,
    generation::{FIRST, table},
    ports::{
        broker::Partition,
        store::{Commit, DocWrite, Guard, StoreError, Verdict},
    },
    rebuild::{
        Ended, Purpose, ReadModel, State,
        fill::cursors,
        state::{Filling, commit_id},
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
    /// The store could not say or note it.
    #[error(transparent)]
    Store(#[from] CommandError),
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
    let model = core.service.read_models.iter().find(|model| model.name() == name);
    let Some(model) = model else {
        return Err(NotRebuilt::Unknown(core.service.read_models.iter().map(|model| model.name()).collect()));
    };
    for _ in 0..32 {
        let (mut state, revision) = State::load(core, model.root()).await.map_err(failed)?;
        if let Some(filling) = &state.filling {
            return Err(NotRebuilt::Running { generation: filling.generation });
        }
        let generation = state.newest.max(FIRST) + 1;
        state.newest = generation;
        state.filling = Some(Filling::new(generation, purpose, core.env.wall_ms()));
        let mut commit = Commit::new(commit_id(core, model.root()));
        commit.guards.push(Guard::Doc(State::key(model.root()), revision));
        commit.docs.push(DocWrite { key: State::key(model.root()), put: Some(state.body()) });
        match core.store.commit(commit).await {
            Ok(Verdict::Done) => {
                core.rebuilds.notify_one();
                return Ok(generation);
            }
            Ok(Verdict::Refused(_)) => {}
            Err(error) => return Err(failed(error).into()),
        }
    }
    Err(CommandError::Conflict.into())
}

/// How far every read model of this build is.
pub(crate) async fn statuses(core: &Arc<Core>) -> Result<Vec<ReadModelStatus>, CommandError> {
    let mut all = Vec::new();
    for model in &core.service.read_models {
        let (generation, _) = core.shown(model.root()).await.map_err(failed)?;
        let (state, _) = State::load(core, model.root()).await.map_err(failed)?;
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
