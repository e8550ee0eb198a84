//! What waits for an operator.

use std::{ops::Bound, sync::Arc};

use bongsu_core::digest;
use bytes::Bytes;
use serde::Serialize;

use crate::{
    command::{CommandError, failed, refused},
    core::{Core, Settled},
    ports::store::{CommitId, Scan},
    todo::{PARKED, TODO, Todo, Work},
    unit::Unit,
};

/// One parked to-do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parked {
    /// Names it for `unpark`.
    pub id: String,
    /// `timer`, `activity` or `fact`.
    pub kind: &'static str,
    /// The process, activity or consumer.
    pub whose: String,
    /// The instance, event or partition key.
    pub key: String,
    /// How many facts wait in its queue.
    pub waiting: usize,
    /// Attempts made.
    pub attempts: u32,
    /// Why the last one failed.
    pub error: String,
}

pub(crate) async fn list(core: &Core) -> Result<Vec<Parked>, CommandError> {
    let scan = Scan {
        table: TODO.to_owned(),
        index: Some(PARKED),
        from: Bound::Unbounded,
        to: Bound::<Bytes>::Unbounded,
        descending: false,
        limit: 1_000,
    };
    let found = core.store.scan(scan).await.map_err(failed)?;
    let shown = found.into_iter().map(|(_, doc)| {
        let todo = Todo::decode(&doc.data).map_err(CommandError::Corrupt)?;
        Ok(show(doc.key.id, todo))
    });
    shown.collect()
}

/// Makes a parked to-do due now; false when there is none of that id.
pub(crate) async fn unpark(core: &Arc<Core>, id: &str) -> Result<bool, CommandError> {
    for _ in 0..32 {
        let mut unit = Unit::new(core, CommitId(digest(&["unpark", id, &core.env.random().to_string()])));
        let Some(data) = unit.doc(&Todo::key(id)).await.map_err(refused)? else { return Ok(false) };
        let mut todo = Todo::decode(&data).map_err(CommandError::Corrupt)?;
        if !todo.parked {
            return Ok(false);
        }
        todo.parked = false;
        todo.attempts = 0;
        todo.due_ms = unit.now_ms;
        unit.put_todo(id, &todo);
        let Ok(queued) = core.submit(unit.plan()) else { continue };
        match core.settle(queued).await {
            Settled::Done => return Ok(true),
            Settled::Refused(_) => {}
            Settled::Failed(error) => return Err(failed(error)),
        }
    }
    Err(CommandError::Conflict)
}

fn show(id: String, todo: Todo) -> Parked {
    let (kind, whose, key, waiting) = match todo.work {
        Work::Timer { process, key, .. } => ("timer", process, key, 0),
        Work::Job { activity, key, .. } => ("activity", activity, key, 0),
        Work::Facts { consumer, key, facts } => ("fact", consumer, key, facts.len()),
        Work::Waiting { process, key, inputs } => ("waiting", process, key, inputs.len()),
    };
    Parked { id, kind, whose, key, waiting, attempts: todo.attempts, error: todo.error.unwrap_or_default() }
}
