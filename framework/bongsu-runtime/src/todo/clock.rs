//! Clocks: what is done by the wall clock, again and again.
//!
//! A clock is a to-do that writes its next firing in the Commit in which it fires: however many instances there are, each
//! moment of its schedule is used up once, and what it set off is decided exactly there. A clock that was set back fires
//! for no moment a second time, unless it was set back by more than a day: then what is due lies in a future that was a
//! mistake.

use std::{sync::Arc, time::Duration};

use bongsu_core::{CommandId, Ctx};

use crate::{
    commit::{
        core::Core,
        fail::Fail,
        map::{Clock, Decided, Fired},
        schedule::Missed,
        unit::Unit,
    },
    records::{
        message::Message,
        todo::{Failed, Todo, Work},
        todo_id::TodoId,
    },
    todo::attempt::{Undone, undone},
};

/// How long at most until what is due is compared with the schedule again: somebody may set the clock.
const NAP: Duration = Duration::from_secs(30);
/// Who is later than this has missed a firing: a takeover, a restart and a busy machine make it late by less.
const GRACE_MS: i64 = 60_000;
/// Who set the clock back by more made a mistake before.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Sees to it that every clock has its next firing, while this instance lives.
pub(crate) async fn run(core: Arc<Core>) {
    loop {
        let changed = core.leases.changed.notified();
        let mut pause = NAP;
        for clock in &core.map.clocks {
            if let Err(error) = wind_up(&core, clock).await {
                tracing::warn!(clock = clock.name, %error, "a clock has to wait for the store");
                pause = core.pause(Core::AWAY);
            }
        }
        let nap = core.env.sleep(pause);
        futures::future::select(std::pin::pin!(changed), nap).await;
    }
}

/// Writes the next firing of a clock that has none, or one that its schedule does not have, or one that is a day further
/// away than the next.
async fn wind_up(core: &Arc<Core>, Clock { name, moments, .. }: &Clock) -> Result<(), Fail> {
    let id = TodoId::clock(name);
    let Some(guard) = core.leases.guard(&id.lease()) else { return Ok(()) };
    core.cache().forget_doc(&Todo::key(&id));
    let mut unit = Unit::new(core);
    unit.fence(guard);
    let known = unit.doc(&Todo::key(&id)).await?;
    let next_ms = moments.after(unit.now_ms);
    if let Some(data) = known {
        let Ok(Todo { work: Work::Clock { at_ms, .. }, .. }) = Todo::decode(&data) else { return Ok(()) };
        let is_one = moments.last(at_ms) == at_ms;
        if is_one && at_ms <= next_ms.saturating_add(DAY_MS) {
            return Ok(());
        }
        tracing::warn!(clock = name, at_ms, next_ms, "the clock or its schedule was changed: it fires anew");
    }
    unit.put_todo(&id, &Todo::clock(name, next_ms, unit.now_ms));
    core.attempt(unit.plan()).await?;
    Ok(())
}

/// What a firing changes, in a unit that already removes it: its commands, and the next firing.
pub(crate) async fn fire(
    core: &Arc<Core>,
    unit: &mut Unit,
    id: &TodoId,
    name: &str,
    due_ms: i64,
) -> Result<(), Undone> {
    let Some(Clock { moments, missed, fire, .. }) = core.map.clocks.iter().find(|clock| clock.name == name) else {
        let why = format!("no clock is called {name}");
        return Err(Undone::Failed { why, how: Failed::Newer });
    };
    let at_ms = moments.last(unit.now_ms).max(due_ms);
    if unit.now_ms - at_ms <= GRACE_MS || *missed == Missed::MadeUp {
        let command_id = CommandId::from_parts(&["clock", name, &at_ms.to_string()]);
        let ctx = Ctx::new(unit.now_ms, command_id, name);
        match fire(&moments.firing(at_ms), &ctx) {
            Fired::Commands(commands) => set_off(unit, name, &commands, &ctx).await?,
            Fired::Walk => unit.put_todo(&TodoId::walk(), &Todo::walk(unit.now_ms)),
        }
    } else {
        tracing::info!(clock = name, at_ms, "a firing was missed, and is skipped");
    }
    unit.put_todo(id, &Todo::clock(name, moments.after(unit.now_ms.max(at_ms)), unit.now_ms));
    Ok(())
}

async fn set_off(unit: &mut Unit, name: &str, commands: &[Message], ctx: &Ctx) -> Result<(), Undone> {
    for (place, command) in commands.iter().enumerate() {
        let step = ctx.step(&[&place.to_string()]);
        if let Decided::Rejected(why) = unit.command(command, &step).await.map_err(undone)? {
            tracing::info!(
                clock = name,
                command = command.name,
                rejection = why.name,
                "what a clock asked for was refused"
            );
        }
    }
    unit.settle_processes().await.map_err(undone)
}
