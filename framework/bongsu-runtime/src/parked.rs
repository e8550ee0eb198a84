//! What waits for an operator: shown, tried again, or put away with a reason.

use std::{ops::Bound, sync::Arc};

use bongsu_core::{digest, type_of};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    command::{CommandError, failed, refused},
    core::{Core, Settled},
    deed::Deed,
    envelope::{Envelope, rfc3339},
    ports::store::{CommitId, Scan},
    queued,
    saga::Written,
    todo::{PARKED, TODO, Todo, Work},
    unit::{Fail, Unit},
};

/// One parked to-do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parked {
    /// Names it for `unpark` and `evict`.
    pub id: String,
    /// `timer`, `activity`, `fact`, `undo` (a process that ended because it could not be undone), or `waiting`: inputs
    /// that came before their process started.
    pub kind: &'static str,
    /// The process, activity or consumer.
    pub whose: String,
    /// The instance, event or partition key.
    pub key: String,
    /// What failed: the name of the oldest fact with its subject and sequence, of the timer, event or command.
    pub what: String,
    /// How many facts (or inputs) wait in its queue, the failed one included.
    pub waiting: usize,
    /// Attempts made.
    pub attempts: u32,
    /// When it was first put aside (RFC 3339, UTC).
    pub since: String,
    /// The trace it belongs to, 32 hexadecimal digits; empty without one.
    pub trace: String,
    /// Why the last attempt failed.
    pub error: String,
}

/// What an operator wants done with something parked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Retry,
    Evict,
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
        Ok(show(doc.key.id, &todo))
    });
    shown.collect()
}

/// Makes a parked to-do due now; false when there is none of that id. Its attempts go on being counted, so that
/// what fails again is parked again at once.
pub(crate) async fn unpark(core: &Arc<Core>, id: &str, deed: &Deed) -> Result<bool, CommandError> {
    decide(core, id, deed, Fate::Retry).await
}

/// Gives up the failed fact (or timer, job, undo) of a parked to-do; facts behind it are tried at once.
pub(crate) async fn evict(core: &Arc<Core>, id: &str, deed: &Deed) -> Result<bool, CommandError> {
    if !deed.has_reason() {
        return Err(CommandError::Invalid("an eviction needs a reason".into()));
    }
    decide(core, id, deed, Fate::Evict).await
}

async fn decide(core: &Arc<Core>, id: &str, deed: &Deed, fate: Fate) -> Result<bool, CommandError> {
    for _ in 0..32 {
        // Another instance may have parked it after this one saw it absent.
        core.cache().forget_doc(&Todo::key(id));
        let mut unit = Unit::new(core, CommitId(digest(&["operator", id])));
        if !plan(&mut unit, id, deed, fate).await.map_err(refused)? {
            return Ok(false);
        }
        let Ok(queued) = core.submit(unit.plan()) else { continue };
        match core.settle(queued).await {
            Settled::Done => return Ok(true),
            Settled::Refused(_) => {}
            Settled::Failed(error) => return Err(failed(error)),
        }
    }
    Err(CommandError::Conflict)
}

/// Plans a deed on a parked to-do; false when nothing of that id is parked.
async fn plan(unit: &mut Unit, id: &str, deed: &Deed, fate: Fate) -> Result<bool, Fail> {
    let Some(data) = unit.doc(&Todo::key(id)).await? else { return Ok(false) };
    let mut todo = Todo::decode(&data).map_err(Fail::Corrupt)?;
    if !todo.parked {
        return Ok(false);
    }
    unit.note_deed(deed, event_of(&todo.work, fate), id, about(&todo)).await?;
    if fate == Fate::Evict && !drop_first(unit, id, &mut todo).await? {
        unit.put(Todo::key(id), None);
        return Ok(true);
    }
    todo.parked = false;
    todo.due_ms = unit.now_ms;
    unit.put_todo(id, &todo);
    Ok(true)
}

/// Takes the failed fact out of its queue; false when nothing is left to do.
async fn drop_first(unit: &mut Unit, id: &str, todo: &mut Todo) -> Result<bool, Fail> {
    if let Work::Waiting(early) = &mut todo.work {
        let left = early.pop(unit, id);
        (todo.attempts, todo.error) = (0, None);
        return Ok(left);
    }
    let Work::Facts { consumer, facts, .. } = &mut todo.work else { return Ok(false) };
    if facts.is_empty() {
        return Ok(false);
    }
    let gone = facts.remove(0);
    if let Ok(envelope) = Envelope::parse(gone.get().as_bytes()) {
        queued::settle_mark(unit, consumer, &envelope, facts).await?;
    }
    todo.attempts = 0;
    todo.error = None;
    Ok(!facts.is_empty())
}

/// The name of the event about a deed.
fn event_of(work: &Work, fate: Fate) -> &'static str {
    match (work, fate) {
        (Work::Facts { .. } | Work::Waiting(_), Fate::Retry) => "bongsu.parked-fact-retried",
        (Work::Facts { .. } | Work::Waiting(_), Fate::Evict) => "bongsu.parked-fact-evicted",
        (Work::Timer { .. }, Fate::Retry) => "bongsu.parked-timer-retried",
        (Work::Timer { .. }, Fate::Evict) => "bongsu.parked-timer-evicted",
        (Work::Job { .. }, Fate::Retry) => "bongsu.parked-activity-retried",
        (Work::Job { .. }, Fate::Evict) => "bongsu.parked-activity-evicted",
        (Work::Undo { .. }, Fate::Retry) => "bongsu.parked-undo-retried",
        (Work::Undo { .. }, Fate::Evict) => "bongsu.parked-undo-evicted",
    }
}

/// What the event says of the to-do. The fact itself stays with its owner; its names are enough to find it.
fn about(todo: &Todo) -> Value {
    let shown = show(String::new(), todo);
    let mut about = json!({ "whose": shown.whose, "key": shown.key, "what": shown.what, "waiting": shown.waiting,
        "attempts": shown.attempts, "since": shown.since, "trace": shown.trace, "error": shown.error });
    if let Some(envelope) = first_fact(todo) {
        about["fact"] = json!({ "id": envelope.id, "source": envelope.source, "type": envelope.kind,
            "subject": envelope.subject, "sequence": envelope.sequence });
    }
    about
}

fn show(id: String, todo: &Todo) -> Parked {
    let first = first_fact(todo);
    let (kind, whose, key, what, waiting) = match &todo.work {
        Work::Timer { process, key, name, .. } => ("timer", process, key, name.clone(), 0),
        Work::Job { activity, key, event, .. } => {
            let event = event.message();
            ("activity", activity, key, type_of(&event.name, event.schema), 0)
        }
        Work::Facts { consumer, key, facts } => {
            let what = first.as_ref().map_or_else(
                || "not a CloudEvent".to_owned(),
                |fact| format!("{} {}@{}", fact.kind, fact.subject, fact.sequence),
            );
            ("fact", consumer, key, what, facts.len())
        }
        Work::Waiting(early) => {
            let what = early.oldest().map(Written::message);
            let what = what.map_or_else(String::new, |heard| type_of(&heard.name, heard.schema));
            ("waiting", &early.process, &early.key, what, early.len())
        }
        Work::Undo { process, key, command, .. } => {
            let command = command.message();
            ("undo", process, key, type_of(&command.name, command.schema), 0)
        }
    };
    let traceparent = match &todo.work {
        Work::Facts { .. } => first.and_then(|fact| fact.traceparent.map(|parent| parent.into_owned())),
        Work::Timer { ctx, .. } | Work::Job { ctx, .. } | Work::Undo { ctx, .. } => ctx.traceparent.clone(),
        Work::Waiting(_) => None,
    };
    Parked {
        id,
        kind,
        whose: whose.clone(),
        key: key.clone(),
        what,
        waiting,
        attempts: todo.attempts,
        since: rfc3339(todo.since_ms),
        trace: traceparent.and_then(|parent| Some(parent.split('-').nth(1)?.to_owned())).unwrap_or_default(),
        error: todo.error.clone().unwrap_or_default(),
    }
}

fn first_fact(todo: &Todo) -> Option<Envelope<'_>> {
    let Work::Facts { facts, .. } = &todo.work else { return None };
    Envelope::parse(facts.first()?.get().as_bytes()).ok()
}
