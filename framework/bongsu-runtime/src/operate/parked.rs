//! What waits for an operator: shown, tried again, or put away with a reason.

use std::{ops::Bound, sync::Arc};

use bongsu_core::type_of;
use bytes::Bytes;
use serde::Serialize;

use crate::{
    commit::{
        core::Core,
        fail::{CommandError, Fail, failed, refused},
        unit::Unit,
    },
    consume::queue::{settle_mark, take_front},
    operate::{act::until_done, note::Deed},
    ports::store::Scan,
    process::early::take_first,
    records::{
        cloudevent::{Envelope, rfc3339},
        deed::{AboutParked, AboutUnreadable, Fate, NameOfFact, UNREADABLE_EVICTED, name_of},
        message::RecordedMessage,
        todo::{PARKED, TODO, Todo, Work},
        todo_id::TodoId,
        unreadable::Unreadable,
    },
};

/// One parked to-do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parked {
    /// Names it for `unpark` and `evict`.
    pub id: String,
    /// `timer`, `activity`, `clock`, `fact`, `undo` (a process that ended because it could not be undone), `waiting` (inputs that
    /// came before their process started), or `unreadable`: what this build does not know.
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
    /// Whether it waits for a newer build, which does it without being told to.
    pub newer: bool,
    /// The context whose adoption left this note of a fact that was acted on and is orphaned; empty for what failed.
    pub adopted: String,
}

/// So many are listed at once: more than a person looks through, and one page of a store.
pub const PARKED_PAGE: u32 = 1_000;
/// Characters of an unreadable to-do that the event about its eviction keeps: enough to write it by hand, and an event has
/// an end.
const NOTED: usize = 10_000;
/// Queues whose oldest facts are looked up at once: each may be of a megabyte.
const AT_ONCE: usize = 32;

/// At most a page of them, in the order of their ids: those after one.
pub(crate) async fn list(core: &Core, after: &str) -> Result<Vec<Parked>, CommandError> {
    // The cursor of an index on ids is the id twice.
    let behind = || Bound::Excluded(Bytes::from(format!("{after}\0{after}")));
    let scan = Scan {
        table: TODO.to_owned(),
        index: Some(PARKED),
        from: if after.is_empty() { Bound::Unbounded } else { behind() },
        to: Bound::<Bytes>::Unbounded,
        descending: false,
        limit: PARKED_PAGE,
    };
    let found = core.store.scan(scan).await.map_err(failed)?;
    let mut shown = Vec::with_capacity(found.len());
    for some in found.chunks(AT_ONCE) {
        let todos: Vec<_> = some.iter().map(|(_, doc)| (TodoId::said(&doc.key.id), Todo::decode(&doc.data))).collect();
        // The oldest fact of each queue, where it is kept apart.
        let apart = |(id, todo): &(TodoId, Result<Todo, Unreadable>)| todo.as_ref().ok()?.queue()?.front_key(id);
        let keys: Vec<_> = todos.iter().filter_map(apart).collect();
        let mut fronts = core.store.docs(keys).await.map_err(failed)?.into_iter();
        for pair in &todos {
            let front = apart(pair).and_then(|_| fronts.next().flatten()).map(|doc| doc.data);
            shown.push(match &pair.1 {
                Ok(todo) => show(pair.0.to_string(), todo, front.or_else(|| todo.queue()?.front_within()).as_deref()),
                Err(why) => unreadable(pair.0.to_string(), why.to_string()),
            });
        }
    }
    Ok(shown)
}

/// Makes a parked to-do due now; false when there is none of that id. Its attempts go on being counted, so that
/// what fails again is parked again at once.
pub(crate) async fn unpark(core: &Arc<Core>, id: &TodoId, deed: &Deed) -> Result<bool, CommandError> {
    decide(core, id, deed, Fate::Retry).await
}

/// Gives up the failed fact (or timer, job, undo) of a parked to-do; facts behind it are tried at once.
pub(crate) async fn evict(core: &Arc<Core>, id: &TodoId, deed: &Deed) -> Result<bool, CommandError> {
    if !deed.has_reason() {
        return Err(CommandError::Invalid("an eviction needs a reason".into()));
    }
    decide(core, id, deed, Fate::Evict).await
}

async fn decide(core: &Arc<Core>, id: &TodoId, deed: &Deed, fate: Fate) -> Result<bool, CommandError> {
    let key = Todo::key(id);
    let done = until_done(core, &key, |mut unit| async move {
        let planned = plan(&mut unit, id, deed, fate).await.map_err(refused)?;
        Ok(planned.then_some((unit, ())))
    });
    Ok(done.await?.is_some())
}

/// Plans a deed on a parked to-do; false when nothing of that id is parked.
async fn plan(unit: &mut Unit, id: &TodoId, deed: &Deed, fate: Fate) -> Result<bool, Fail> {
    let Some(data) = unit.doc(&Todo::key(id)).await? else { return Ok(false) };
    let mut todo = match Todo::decode(&data) {
        Ok(todo) if todo.parked => todo,
        Err(why) if fate == Fate::Evict => {
            let todo = String::from_utf8_lossy(&data).chars().take(NOTED).collect();
            let about = AboutUnreadable { error: why.to_string(), todo };
            unit.note_deed(deed, UNREADABLE_EVICTED, id.as_str(), about).await?;
            unit.put(Todo::key(id), None);
            return Ok(true);
        }
        Ok(_) | Err(_) => return Ok(false),
    };
    let front = match todo.queue().map(|queue| (queue.front_key(id), queue.front_within())) {
        Some((Some(key), _)) => unit.doc(&key).await?,
        Some((None, within)) => within,
        None => None,
    };
    unit.note_deed(deed, name_of(&todo.work, fate), id.as_str(), about(&todo, front.as_deref())).await?;
    if fate == Fate::Evict && !drop_first(unit, id, &mut todo, front.as_deref()).await? {
        unit.put(Todo::key(id), None);
        return Ok(true);
    }
    todo.resume();
    todo.due_ms = unit.now_ms;
    unit.put_todo(id, &todo);
    Ok(true)
}

/// Takes the failed fact out of its queue; false when nothing is left to do.
async fn drop_first(unit: &mut Unit, id: &TodoId, todo: &mut Todo, front: Option<&[u8]>) -> Result<bool, Fail> {
    if let Work::Waiting(early) = &mut todo.work {
        let left = take_first(early, unit, id);
        todo.begin_anew();
        return Ok(left);
    }
    let Some(queue) = todo.queue_mut() else { return Ok(false) };
    if let Some(envelope) = front.and_then(|front| Envelope::parse(front).ok()) {
        settle_mark(unit, &queue.consumer, &envelope).await?;
    }
    take_front(queue, unit, id);
    let some_are_left = queue.len() > 0;
    todo.begin_anew();
    Ok(some_are_left)
}

/// What the event says of the to-do.
fn about(todo: &Todo, front: Option<&[u8]>) -> AboutParked {
    let Parked { whose, key, what, waiting, attempts, since, trace, error, .. } = show(String::new(), todo, front);
    let fact = front.and_then(|front| Envelope::parse(front).ok()).map(|envelope| NameOfFact::of(&envelope));
    AboutParked { whose, key, what, waiting, attempts, since, trace, error, fact }
}

fn show(id: String, todo: &Todo, front: Option<&[u8]>) -> Parked {
    let first = front.and_then(|front| Envelope::parse(front).ok());
    let nothing = String::new();
    let (kind, whose, key, what, waiting) = match &todo.work {
        Work::Timer { process, key, name, .. } => ("timer", process, key, name.clone(), 0),
        Work::Job { activity, key, event, .. } => {
            let event = event.message();
            ("activity", activity, key, type_of(&event.name, event.schema), 0)
        }
        Work::Clock { clock, at_ms } => ("clock", clock, &nothing, rfc3339(*at_ms), 0),
        Work::Walk => ("clock", &nothing, &nothing, "snapshots of what changed".to_owned(), 0),
        Work::Scrub => ("scrub", &nothing, &nothing, "what a forgotten person left in files".to_owned(), 0),
        Work::Facts(queue) => {
            let none = if queue.len() == 0 { "a fact that is orphaned" } else { "not a CloudEvent" };
            let what = first
                .as_ref()
                .map_or_else(|| none.to_owned(), |fact| format!("{} {}@{}", fact.kind, fact.subject, fact.sequence));
            ("fact", &queue.consumer, &queue.key, what, queue.len())
        }
        Work::Waiting(early) => {
            let what = early.oldest().map(RecordedMessage::message);
            let what = what.map_or_else(String::new, |heard| type_of(&heard.name, heard.schema));
            ("waiting", &early.process, &early.key, what, early.len())
        }
        Work::Undo { process, key, command, .. } => {
            let command = command.message();
            ("undo", process, key, type_of(&command.name, command.schema), 0)
        }
    };
    let traceparent = trace_of(&todo.work, first.as_ref());
    let adopted = adopted_of(&id);
    Parked {
        adopted,
        id,
        kind,
        whose: whose.clone(),
        key: key.clone(),
        what,
        waiting,
        attempts: todo.attempts,
        since: rfc3339(todo.since_ms),
        trace: traceparent.and_then(|parent| Some(parent.split('-').nth(1)?.to_owned())).unwrap_or_default(),
        newer: todo.newer,
        error: [todo.error.clone().unwrap_or_default(), brought(&todo.work)].concat(),
    }
}

fn adopted_of(id: &str) -> String {
    TodoId::said(id).adopted_by().unwrap_or_default().to_owned()
}

/// The trace that something to be done belongs to.
fn trace_of(work: &Work, first: Option<&Envelope<'_>>) -> Option<String> {
    match work {
        Work::Facts(_) => first.and_then(|fact| fact.traceparent.as_deref().map(str::to_owned)),
        Work::Timer { ctx, .. } | Work::Job { ctx, .. } | Work::Undo { ctx, .. } => ctx.traceparent.clone(),
        Work::Waiting(_) | Work::Clock { .. } | Work::Walk | Work::Scrub => None,
    }
}

/// A note of what an activity brought that could not be stored.
fn brought(work: &Work) -> String {
    match work {
        Work::Job { outcome: Some(kept), .. } => format!("; it brought {} and is not run again", kept.kind),
        _ => String::new(),
    }
}

/// What this build cannot read. It is looked at again by whichever build drains it; here it can only be put away.
fn unreadable(id: String, error: String) -> Parked {
    let nothing = String::new;
    // Kind, whose it is, and a key in which there may be more of them.
    let mut parts = id.splitn(3, '/').skip(1).map(str::to_owned);
    let (whose, key) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (what, since) = (nothing(), nothing());
    Parked {
        adopted: adopted_of(&id),
        id,
        kind: "unreadable",
        whose,
        key,
        what,
        waiting: 0,
        attempts: 0,
        since,
        trace: nothing(),
        error,
        newer: true,
    }
}
