//! Doing one to-do: whatever it changes and its own end are one Commit.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bongsu_core::{Ctx, digest, type_of};
use futures::FutureExt;
use serde_json::value::RawValue;

use crate::{
    activity::JobError,
    consumer::Consumer,
    core::{Core, Settled},
    envelope::Envelope,
    generation::split,
    lane::panic_text,
    moments,
    ports::store::{CommitId, Guard, StoreError},
    queued,
    saga::Told,
    target::Decided,
    todo::{Todo, Work},
    unit::{Fail, Message, Unit},
};

/// Attempts of a queued fact or a timer before it is parked.
const ATTEMPTS: u32 = 5;
/// Attempts of an activity before it needs a person: with pauses of up to five seconds, most of a day.
const JOB_ATTEMPTS: u32 = 10_000;
/// How often a plan is made again because something moved under it.
const REPLANS: u32 = 32;

/// Why a to-do is not done.
enum Undone {
    /// Another instance drains this shard, or the to-do is gone: nothing to do.
    NotMine,
    /// The store does not answer; it stays due.
    Store(StoreError),
    /// The attempt counts; no further attempt makes sense when `for_good`.
    Failed { why: String, for_good: bool },
}

/// What an activity brought, decided under its to-do.
struct Outcome {
    command: Message,
    ctx: Ctx,
}

pub(crate) async fn run_todo(core: &Arc<Core>, lease: &str, id: &str) {
    match attempt(core, lease, id).await {
        Ok(()) | Err(Undone::NotMine) => {}
        Err(Undone::Store(error)) => {
            tracing::warn!(todo = id, %error, "a to-do has to wait for the store");
            core.env.sleep(core.pause(3)).await;
        }
        Err(Undone::Failed { why, for_good }) => {
            if let Err(error) = note_failure(core, lease, id, &why, for_good).await {
                tracing::warn!(todo = id, %error, "a failed attempt could not be noted");
                core.env.sleep(core.pause(3)).await;
            }
        }
    }
}

async fn attempt(core: &Arc<Core>, lease: &str, id: &str) -> Result<(), Undone> {
    let Some(todo) = read(core, id).await? else { return Err(Undone::NotMine) };
    // It is there, whatever was believed: another instance may have written it after this one saw it absent, and
    // nothing guards a plan that ends at an absence.
    core.cache().forget_doc(&Todo::key(id));
    if !todo.is_due(core.env.wall_ms()) {
        return Err(Undone::NotMine);
    }
    let outcome = match &todo.work {
        Work::Job { activity, key, event, ctx } => Some(run_job(core, activity, key, &event.message(), ctx).await?),
        _ => None,
    };
    for _ in 0..REPLANS {
        let mut unit = Unit::new(core, CommitId(digest(&["todo", id])));
        unit.fence(core.leases.guard(lease).ok_or(Undone::NotMine)?);
        let key = Todo::key(id);
        let Some(data) = unit.doc(&key).await.map_err(undone)? else { return Err(Undone::NotMine) };
        let todo = Todo::decode(&data).map_err(|why| Undone::Failed { why, for_good: true })?;
        // A timer may have been moved since it was seen to be due.
        if !todo.is_due(unit.now_ms) {
            return Err(Undone::NotMine);
        }
        unit.put(key, None);
        let planned = AssertUnwindSafe(plan(core, &mut unit, id, todo, outcome.as_ref())).catch_unwind().await;
        let failed = |why, for_good| Err(Undone::Failed { why, for_good });
        match planned.unwrap_or_else(|panic| failed(panic_text(panic.as_ref()), false)) {
            // Believed only when it rests on nothing stale: another instance may have moved the stream since.
            Err(Undone::Failed { why, for_good }) => match core.still_holds(unit).await {
                Ok(true) => return failed(why, for_good),
                Ok(false) => continue,
                Err(error) => return Err(Undone::Store(error)),
            },
            planned => planned?,
        }
        let Ok(queued) = core.submit(unit.plan()) else { continue };
        match core.settle(queued).await {
            Settled::Done => return Ok(()),
            Settled::Refused(_) | Settled::Failed(StoreError::Unknown(_)) => {}
            Settled::Failed(error) => return Err(Undone::Store(error)),
        }
    }
    Err(Undone::Store(StoreError::Unavailable("a to-do was overtaken too often".into())))
}

/// What the to-do changes, in a unit that already removes it.
async fn plan(
    core: &Arc<Core>,
    unit: &mut Unit,
    id: &str,
    todo: Todo,
    outcome: Option<&Outcome>,
) -> Result<(), Undone> {
    match todo.work {
        Work::Timer { process, key, name, ctx } => wake(core, unit, id, &process, &key, name, &ctx).await,
        Work::Job { .. } => match outcome {
            Some(outcome) => close_job(unit, outcome).await,
            None => Err(Undone::NotMine),
        },
        Work::Facts { .. } => retry_fact(core, unit, id, todo).await,
        Work::Undo { command, process, ctx, .. } => {
            let outcome = Outcome { command: command.message(), ctx: Ctx { actor: process, ..ctx } };
            close_job(unit, &outcome).await
        }
        Work::Waiting(_) => unit.catch_up(id, todo).await.map_err(undone),
    }
}

async fn wake(
    core: &Arc<Core>,
    unit: &mut Unit,
    id: &str,
    process: &str,
    key: &str,
    name: String,
    ctx: &Ctx,
) -> Result<(), Undone> {
    let Some(saga) = core.service.sagas.iter().find(|saga| saga.name() == process).cloned() else {
        return Err(Undone::Failed { why: format!("no process is called {process}"), for_good: true });
    };
    let ctx = Ctx {
        now_ms: unit.now_ms,
        command_id: bongsu_core::CommandId::from_parts(&["timer", id, &ctx.command_id.to_string()]),
        actor: process.to_owned(),
        ..ctx.clone()
    };
    core.env.sometimes(moments::WOKEN);
    unit.step_process(saga.as_ref(), key, Told::Woke { name }, &ctx).await.map_err(undone)?;
    unit.settle_processes().await.map_err(undone)
}

async fn run_job(core: &Arc<Core>, activity: &str, key: &str, event: &Message, ctx: &Ctx) -> Result<Outcome, Undone> {
    let Some(job) = core.service.jobs.iter().find(|job| job.name() == activity) else {
        return Err(Undone::Failed { why: format!("no activity is called {activity}"), for_good: true });
    };
    core.env.step("activity.run");
    let ran = AssertUnwindSafe(job.run(key, event, core.http.as_ref())).catch_unwind().await;
    core.env.step("activity.ran");
    match ran {
        Ok(Ok(command)) => {
            let ctx = Ctx {
                now_ms: core.env.wall_ms(),
                command_id: bongsu_core::CommandId::from_parts(&["activity", activity, key]),
                actor: activity.to_owned(),
                ..ctx.clone()
            };
            Ok(Outcome { command, ctx })
        }
        Ok(Err(JobError::Later(why))) => Err(Undone::Failed { why, for_good: false }),
        Ok(Err(JobError::Undecodable(error))) => Err(Undone::Failed { why: error.to_string(), for_good: true }),
        Err(panic) => Err(Undone::Failed { why: panic_text(panic.as_ref()), for_good: false }),
    }
}

/// Decides the outcome. A refused outcome is a contradiction between us and the outside: a person looks.
async fn close_job(unit: &mut Unit, outcome: &Outcome) -> Result<(), Undone> {
    match unit.command(&outcome.command, &outcome.ctx).await.map_err(undone)? {
        Decided::Accepted { .. } => unit.settle_processes().await.map_err(undone),
        Decided::Rejected(why) => {
            let what = type_of(&outcome.command.name, outcome.command.schema);
            Err(Undone::Failed { why: format!("{what} was refused: {}", why.name), for_good: true })
        }
    }
}

/// Handles the oldest fact of a queue; what is left of the queue is due at once.
async fn retry_fact(core: &Arc<Core>, unit: &mut Unit, id: &str, mut todo: Todo) -> Result<(), Undone> {
    let Work::Facts { consumer, facts, .. } = &mut todo.work else { return Err(Undone::NotMine) };
    if facts.is_empty() {
        return Ok(());
    }
    let raw = facts.remove(0);
    let consumer = consumer.clone();
    let reader = match reader_of(core, &consumer).await? {
        Reader::Now(reader, shown) => {
            shown.into_iter().for_each(|shown| unit.fence(shown));
            reader
        }
        Reader::Never => return Ok(()),
        Reader::Later => return postpone(unit, id, todo, raw),
        Reader::Unknown => {
            return Err(Undone::Failed { why: format!("nothing is called {consumer}"), for_good: true });
        }
    };
    let corrupt = |why: String| Undone::Failed { why, for_good: true };
    let envelope = Envelope::parse(raw.get().as_bytes()).map_err(|_| corrupt("not a CloudEvent".into()))?;
    let (name, schema) = envelope.name().ok_or_else(|| corrupt("a type without version".into()))?;
    let fact = Message { name: name.to_owned(), schema, data: envelope.data.get().as_bytes().to_vec().into() };
    let ctx = envelope.ctx(&consumer, unit.now_ms);
    reader.apply(unit, fact, &ctx).await.map_err(undone)?;
    queued::settle_mark(unit, &consumer, &envelope, facts).await.map_err(undone)?;
    if facts.is_empty() {
        return Ok(());
    }
    todo.attempts = 0;
    todo.error = None;
    todo.due_ms = unit.now_ms;
    unit.put_todo(id, &todo);
    Ok(())
}

/// Who reads a queued fact.
enum Reader {
    /// This one; of a read model while its generation is the one shown.
    Now(Arc<dyn Consumer>, Option<Guard>),
    /// Another version of this service that runs beside this one, or a rebuild once it is shown.
    Later,
    /// Nobody any more: its generation was replaced, and with it the rows the fact is missing in.
    Never,
    /// Nobody known to this build.
    Unknown,
}

async fn reader_of(core: &Arc<Core>, name: &str) -> Result<Reader, Undone> {
    let find = |name: &str| core.service.consumers.iter().find(|reader| reader.name() == name).cloned();
    let Some((root, wanted)) = split(name) else {
        return Ok(find(name).map_or(Reader::Unknown, |reader| Reader::Now(reader, None)));
    };
    let Some(reader) = find(root) else { return Ok(Reader::Later) };
    let (shown, guard) = core.shown(root).await.map_err(Undone::Store)?;
    Ok(match reader.generation(wanted) {
        Some(reader) if wanted == shown => Reader::Now(reader, Some(guard)),
        _ if wanted < shown => Reader::Never,
        _ => Reader::Later,
    })
}

/// Puts a queue of facts back as it was, to be looked at again in a second.
fn postpone(unit: &mut Unit, id: &str, mut todo: Todo, first: Box<RawValue>) -> Result<(), Undone> {
    const PAUSE_MS: i64 = 1_000;
    if let Work::Facts { facts, .. } = &mut todo.work {
        facts.insert(0, first);
    }
    todo.due_ms = unit.now_ms + PAUSE_MS;
    unit.put_todo(id, &todo);
    Ok(())
}

/// Counts a failed attempt, unless the to-do is gone or no longer ours.
async fn note_failure(core: &Arc<Core>, lease: &str, id: &str, why: &str, for_good: bool) -> Result<(), StoreError> {
    for _ in 0..REPLANS {
        let Some(guard) = core.leases.guard(lease) else { return Ok(()) };
        let key = Todo::key(id);
        let mut unit = Unit::new(core, CommitId(digest(&["failed", id])));
        unit.fence(guard);
        let data = match unit.doc(&key).await {
            Ok(Some(data)) => data,
            Ok(None) => return Ok(()),
            Err(Fail::Store(error)) => return Err(error),
            Err(Fail::Corrupt(why)) => return Err(StoreError::Corrupt(why)),
        };
        let mut todo = Todo::decode(&data).map_err(StoreError::Corrupt)?;
        // What failed was due; what is there now was moved meanwhile and has not been tried.
        if !todo.is_due(unit.now_ms) {
            return Ok(());
        }
        let most = match (&todo.work, for_good) {
            // Several inputs failed together: then they are tried one by one.
            (Work::Waiting(_), true) if todo.attempts == 0 => ATTEMPTS,
            (_, true) => 1,
            (Work::Job { .. }, false) => JOB_ATTEMPTS,
            _ => ATTEMPTS,
        };
        todo.failed(why.to_owned(), most, unit.now_ms, core.settings.retry_cap_ms);
        if !todo.parked {
            core.env.sometimes(moments::TRIED_AGAIN);
        } else {
            tracing::error!(todo = id, error = why, "a to-do is parked");
        }
        unit.put_todo(id, &todo);
        let Ok(queued) = core.submit(unit.plan()) else { continue };
        match core.settle(queued).await {
            Settled::Done => return Ok(()),
            Settled::Refused(_) | Settled::Failed(StoreError::Unknown(_)) => {}
            Settled::Failed(error) => return Err(error),
        }
    }
    Ok(())
}

async fn read(core: &Arc<Core>, id: &str) -> Result<Option<Todo>, Undone> {
    let found = core.store.docs(vec![Todo::key(id)]).await.map_err(Undone::Store)?.pop().flatten();
    let decode = |data: &[u8]| Todo::decode(data).map_err(|why| Undone::Failed { why, for_good: true });
    found.map(|doc| decode(&doc.data)).transpose()
}

fn undone(fail: Fail) -> Undone {
    match fail {
        Fail::Store(error) => Undone::Store(error),
        Fail::Corrupt(why) => Undone::Failed { why, for_good: true },
    }
}
