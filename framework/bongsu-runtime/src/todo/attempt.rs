//! Doing one to-do: whatever it changes and its own end are one Commit.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bongsu_core::{Ctx, type_of};
use futures::FutureExt;

use crate::{
    commit::{
        attempt::Tried,
        core::Core,
        fail::Fail,
        map::{Attempt, Decided, JobError},
        tasks::panic_text,
        unit::{Plan, Unit},
    },
    ports::{
        coverage,
        store::{DocBody, StoreError},
    },
    records::{
        message::{Message, RecordedMessage},
        step::StepInput,
        todo::{Failed, RecordedOutcome, Todo, Work, unreadable_index},
        todo_id::TodoId,
        unreadable::Unreadable,
    },
    snapshot::nightly,
    todo::{clock, retry_fact::retry_fact},
};

/// How often a plan is made again at once because something moved under it; then with pauses: whoever loses more often is
/// in the way of several.
const AT_ONCE: u32 = 4;
/// What this build cannot read is looked at again after so long: another build may run here by then.
const UNREADABLE: Duration = Duration::from_secs(5);

/// Why a to-do is not done.
pub(crate) enum Undone {
    /// Another instance drains this shard, or the to-do is gone: nothing to do.
    NotMine,
    /// The store does not answer; it stays due.
    Store(StoreError),
    /// This build cannot read it.
    Unreadable(Unreadable),
    /// The outcome of an activity contradicts what we know: a person looks.
    Refused(String),
    /// It could not be done, and what that means.
    Failed { why: String, how: Failed },
}

/// What an activity brought, decided under its to-do.
struct Outcome {
    command: Message,
    ctx: Ctx,
}

pub(crate) async fn run_todo(core: &Arc<Core>, id: &TodoId) {
    let mut outcome = None;
    let noted = match attempt(core, id, &mut outcome).await {
        Ok(()) | Err(Undone::NotMine) => return,
        Err(Undone::Store(error)) => {
            tracing::warn!(todo = %id, %error, "a to-do has to wait for the store");
            return core.env.sleep(core.pause(Core::AWAY)).await;
        }
        Err(Undone::Unreadable(why)) => put_off(core, id, &why.to_string()).await,
        Err(Undone::Refused(why)) => note_failure(core, id, &why, Failed::ForGood, None).await,
        Err(Undone::Failed { why, how }) => note_failure(core, id, &why, how, outcome.as_ref()).await,
    };
    if let Err(error) = noted {
        tracing::warn!(todo = %id, %error, "a failed attempt could not be noted");
        // What can never be stored is not asked for again and again.
        let pause =
            if matches!(error, Fail::Store(StoreError::Invalid(_))) { UNREADABLE } else { core.pause(Core::AWAY) };
        core.env.sleep(pause).await;
    }
}

/// One attempt. An activity runs once in it: what it brought is kept in `outcome` until it is durable, however long the
/// store takes.
async fn attempt(core: &Arc<Core>, id: &TodoId, outcome: &mut Option<Outcome>) -> Result<(), Undone> {
    let Some(todo) = read(core, id).await? else { return Err(Undone::NotMine) };
    if !todo.is_due(core.env.wall_ms()) {
        return Err(Undone::NotMine);
    }
    if let Work::Job { activity, key, event, ctx, outcome: kept } = &todo.work {
        *outcome = Some(match kept {
            Some(kept) => brought_before(kept, core.outcome_ctx(activity, key, ctx))?,
            None => run_job(core, activity, key, &event.message(), todo.attempts, ctx).await?,
        });
    }
    if matches!(todo.work, Work::Walk) {
        let fence = core.leases.guard(&id.lease()).ok_or(Undone::NotMine)?;
        if !nightly::walk(core, &fence).await.map_err(Undone::Store)? {
            return Err(Undone::NotMine);
        }
    }
    if matches!(todo.work, Work::Scrub) {
        core.store.scrub().await.map_err(Undone::Store)?;
    }
    for tries in 0_u32.. {
        if tries >= AT_ONCE {
            core.env.sleep(core.pause(tries - AT_ONCE)).await;
        }
        let mut unit = Unit::new(core);
        unit.fence(core.leases.guard(&id.lease()).ok_or(Undone::NotMine)?);
        match once(core, unit, id, outcome.as_ref()).await {
            Ok(Tried::Done) => return Ok(()),
            Ok(Tried::Overtaken(_) | Tried::Unknown(_)) => {}
            Err(Undone::Store(StoreError::Invalid(why))) => return Err(Undone::Failed { why, how: Failed::ForGood }),
            // Whoever was asked outside is not asked again only because the store does not answer.
            Err(Undone::Store(StoreError::Unavailable(_))) if outcome.is_some() => {}
            Err(undone) => return Err(undone),
        }
    }
    Err(Undone::NotMine)
}

/// Plans a to-do and commits it; refused when it rested on something stale.
async fn once(core: &Arc<Core>, mut unit: Unit, id: &TodoId, outcome: Option<&Outcome>) -> Result<Tried, Undone> {
    let key = Todo::key(id);
    let data = unit.doc(&key).await.map_err(undone)?.ok_or(Undone::NotMine)?;
    let mut todo = Todo::decode(&data).map_err(Undone::Unreadable)?;
    // A timer may have been moved since it was seen to be due.
    if outcome.is_none() && !todo.is_due(unit.now_ms) {
        return Err(Undone::NotMine);
    }
    todo.resume();
    unit.put(key, None);
    let planned = AssertUnwindSafe(plan(core, &mut unit, id, todo, outcome)).catch_unwind().await;
    let failed = |why, how| Err(Undone::Failed { why, how });
    match planned.unwrap_or_else(|panic| failed(panic_text(panic.as_ref()), Failed::Counts)) {
        Ok(()) => {}
        Err(undone @ (Undone::Failed { .. } | Undone::Refused(_))) => return believed(core, unit.plan(), undone).await,
        Err(undone) => return Err(undone),
    }
    let plan = unit.plan();
    if let Err(StoreError::Invalid(why)) = plan.commit.check() {
        return believed(core, plan, Undone::Failed { why, how: Failed::ForGood }).await;
    }
    core.attempt(plan).await.map_err(Undone::Store)
}

/// A failure counts only when it rests on nothing stale: another instance may have moved the stream since.
async fn believed(core: &Core, plan: Plan, undone: Undone) -> Result<Tried, Undone> {
    let holds = core.hold(plan).await.map_err(Undone::Store)?;
    if holds { Err(undone) } else { Ok(Tried::Overtaken(Vec::new())) }
}

/// What the to-do changes, in a unit that already removes it.
async fn plan(
    core: &Arc<Core>,
    unit: &mut Unit,
    id: &TodoId,
    todo: Todo,
    outcome: Option<&Outcome>,
) -> Result<(), Undone> {
    match todo.work {
        Work::Timer { process, key, name, ctx } => wake(core, unit, id, &process, &key, name, &ctx).await,
        Work::Job { .. } => match outcome {
            Some(outcome) => close_job(unit, outcome).await,
            None => Err(Undone::NotMine),
        },
        Work::Facts(_) => retry_fact(core, unit, id, todo).await,
        Work::Undo { command, process, ctx, .. } => {
            let outcome = Outcome { command: command.message(), ctx: Ctx { actor: process, ..ctx } };
            close_job(unit, &outcome).await
        }
        Work::Clock { clock, at_ms } => clock::fire(core, unit, id, &clock, at_ms).await,
        // It was walked, or the files are rid of it.
        Work::Walk | Work::Scrub => Ok(()),
        Work::Waiting(_) => unit.catch_up(id, todo).await.map_err(undone),
    }
}

async fn wake(
    core: &Arc<Core>,
    unit: &mut Unit,
    id: &TodoId,
    process: &str,
    key: &str,
    name: String,
    ctx: &Ctx,
) -> Result<(), Undone> {
    let Some(handler) = core.map.processes.iter().find(|handler| handler.name() == process).cloned() else {
        return Err(Undone::Failed { why: format!("no process is called {process}"), how: Failed::Newer });
    };
    let ctx = Ctx {
        now_ms: unit.now_ms,
        command_id: bongsu_core::CommandId::from_parts(&["timer", id.as_str(), &ctx.command_id.to_string()]),
        actor: process.to_owned(),
        ..ctx.clone()
    };
    core.env.sometimes(coverage::WOKEN);
    unit.step_process(handler.as_ref(), key, StepInput::Woke { name }, &ctx).await.map_err(undone)?;
    unit.settle_processes().await.map_err(undone)
}

async fn run_job(
    core: &Arc<Core>,
    activity: &str,
    key: &str,
    event: &Message,
    failed: u32,
    ctx: &Ctx,
) -> Result<Outcome, Undone> {
    let Some(job) = core.map.jobs.iter().find(|job| job.name() == activity) else {
        return Err(Undone::Failed { why: format!("no activity is called {activity}"), how: Failed::Newer });
    };
    core.env.step("activity.run");
    let attempt = Attempt {
        key,
        failed,
        correlation: &ctx.correlation,
        traceparent: ctx.traceparent.as_deref(),
        http: core.http.as_ref(),
    };
    let ran = AssertUnwindSafe(job.run(event, attempt)).catch_unwind().await;
    core.env.step("activity.ran");
    match ran {
        Ok(Ok(command)) => Ok(Outcome { command, ctx: core.outcome_ctx(activity, key, ctx) }),
        Ok(Err(JobError::Later(why))) => Err(Undone::Failed { why, how: Failed::Counts }),
        Ok(Err(JobError::Undecodable(error))) => Err(undone(error.into())),
        Err(panic) => Err(Undone::Failed { why: panic_text(panic.as_ref()), how: Failed::Counts }),
    }
}

/// Decides the outcome. A refused outcome is a contradiction between us and the outside: a person looks.
async fn close_job(unit: &mut Unit, outcome: &Outcome) -> Result<(), Undone> {
    match unit.command(&outcome.command, &outcome.ctx).await.map_err(undone)? {
        Decided::Accepted { .. } => unit.settle_processes().await.map_err(undone),
        Decided::Rejected(why) => {
            let what = type_of(&outcome.command.name, outcome.command.schema);
            Err(Undone::Refused(format!("{what} was refused: {}", why.name)))
        }
    }
}

/// Counts a failed attempt, unless the to-do is gone or no longer ours. What an activity brought is kept, so that it
/// is not run again for it.
async fn note_failure(
    core: &Arc<Core>,
    id: &TodoId,
    why: &str,
    how: Failed,
    outcome: Option<&Outcome>,
) -> Result<(), Fail> {
    let mut keep = true;
    loop {
        let Some(guard) = core.leases.guard(&id.lease()) else { return Ok(()) };
        let key = Todo::key(id);
        let mut unit = Unit::new(core);
        unit.fence(guard);
        let Some(data) = unit.doc(&key).await? else { return Ok(()) };
        let mut todo = Todo::decode(&data)?;
        // What failed was due; what is there now was moved meanwhile and has not been tried.
        if outcome.is_none() && !todo.is_due(unit.now_ms) {
            return Ok(());
        }
        if still_waits(&todo, how, outcome) {
            return Ok(());
        }
        todo.note(why, how, unit.now_ms, core.settings.retry_cap_ms);
        if let (Work::Job { outcome: kept, .. }, Some(outcome)) = (&mut todo.work, outcome) {
            *kept = Some(outcome.kept(keep));
        }
        unit.put_todo(id, &todo);
        let plan = unit.plan();
        match plan.commit.check() {
            // What it brought does not fit beside what asked for it.
            Err(_) if std::mem::replace(&mut keep, false) => continue,
            checked => checked?,
        }
        if let Tried::Done = core.attempt(plan).await? {
            told(core, id, &todo, why);
            return Ok(());
        }
    }
}

/// Says what became of a to-do that failed.
fn told(core: &Core, id: &TodoId, todo: &Todo, why: &str) {
    match (todo.newer, todo.parked) {
        (true, _) => tracing::warn!(todo = %id, error = why, "a to-do waits for a newer build"),
        (false, true) => tracing::error!(todo = %id, error = why, "a to-do is parked"),
        (false, false) => core.env.sometimes(coverage::TRIED_AGAIN),
    }
}

/// Whether it waits for a newer build as before: nothing is written for an attempt of a build that is not.
fn still_waits(todo: &Todo, how: Failed, outcome: Option<&Outcome>) -> bool {
    let is_kept = outcome.is_none() || matches!(todo.work, Work::Job { outcome: Some(_), .. });
    todo.newer && how == Failed::Newer && is_kept
}

impl Outcome {
    /// As it is kept for the next attempt; without the command when that is too large.
    fn kept(&self, whole: bool) -> RecordedOutcome {
        let Message { name, schema, .. } = &self.command;
        RecordedOutcome { kind: type_of(name, *schema), command: whole.then(|| RecordedMessage::of(&self.command)) }
    }
}

/// Puts off what this build cannot read, as it is: shown as parked, and looked at again, because a newer build that
/// runs beside this one may know what to do with it.
async fn put_off(core: &Arc<Core>, id: &TodoId, why: &str) -> Result<(), Fail> {
    let Some(guard) = core.leases.guard(&id.lease()) else { return Ok(()) };
    let mut unit = Unit::new(core);
    unit.fence(guard);
    let Some(data) = unit.doc(&Todo::key(id)).await? else { return Ok(()) };
    let due_ms = unit.now_ms + UNREADABLE.as_millis() as i64;
    unit.put(Todo::key(id), Some(DocBody { data, index: unreadable_index(id, due_ms) }));
    core.attempt(unit.plan()).await?;
    tracing::warn!(todo = %id, error = why, "a to-do cannot be read by this build; it is looked at again later");
    Ok(())
}

/// What an activity brought in an attempt before.
fn brought_before(kept: &RecordedOutcome, ctx: Ctx) -> Result<Outcome, Undone> {
    let gone = || format!("its outcome, a {}, is too large to be kept and cannot be stored", kept.kind);
    let command = kept.command.as_ref().ok_or_else(|| Undone::Failed { why: gone(), how: Failed::ForGood })?;
    Ok(Outcome { command: command.message(), ctx })
}

impl Core {
    /// In which an outcome is decided.
    fn outcome_ctx(&self, activity: &str, key: &str, ctx: &Ctx) -> Ctx {
        Ctx {
            now_ms: self.env.wall_ms(),
            command_id: bongsu_core::CommandId::from_parts(&["activity", activity, key]),
            actor: activity.to_owned(),
            ..ctx.clone()
        }
    }
}

/// The to-do as the store has it, and from here on as this instance believes it: another one may have written it after this
/// one saw it absent, and nothing guards a plan that ends at an absence. Also over what a plan on its way makes of it: what is
/// decided on what was read is guarded by what was read, or it would fire at a time that is no longer its own.
async fn read(core: &Arc<Core>, id: &TodoId) -> Result<Option<Todo>, Undone> {
    let key = Todo::key(id);
    let found = core.store.docs(vec![key.clone()]).await.map_err(Undone::Store)?.pop().flatten();
    let Some(doc) = found else { return Ok(None) };
    let todo = Todo::decode(&doc.data).map_err(Undone::Unreadable);
    core.cache().put_doc(key, Some(doc).into());
    todo.map(Some)
}

pub(crate) fn undone(fail: Fail) -> Undone {
    match fail.of_an_input() {
        Ok((why, how)) => Undone::Failed { why, how },
        Err(error) => Undone::Store(error),
    }
}
