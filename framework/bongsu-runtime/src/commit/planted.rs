//! Bugs planted for tests: the simulator switches one on and must turn red. `Env::bug` is never true in a
//! real process. Each is a bug that systems like this one have shipped.

use std::{sync::Arc, time::Duration};

use bongsu_core::digest;

use crate::{
    commit::{core::Core, map::Consumer, unit::Unit},
    ports::{
        broker::{BrokerError, Out, Producer},
        env::Task,
        store::{Commit, CommitId, DocWrite},
    },
    records::{cloudevent::Envelope, todo::Todo},
};

/// So much later the row of a timer follows its state.
const APART: Duration = Duration::from_millis(20);

/// `publish-before-commit`: facts leave when the Commit is queued, whatever becomes of it.
pub(crate) fn publish_early(core: &Core, commit: &Commit) {
    if !core.env.bug("publish-before-commit") {
        return;
    }
    let broker = core.broker.clone();
    let service = format!("{}-early", core.map.name);
    let facts = commit.events.iter().flat_map(|event| &event.facts);
    let batch: Vec<Out> = facts
        .enumerate()
        .map(|(ordinal, fact)| Out {
            topic: fact.topic.clone(),
            partition_key: fact.partition_key.clone(),
            position: core.env.mono().as_nanos() as u64,
            ordinal: ordinal as u32,
            commit: None,
            cloudevent: fact.cloudevent.clone(),
        })
        .collect();
    let publish = async move { drop(broker.publish(Producer::new(&service, 1), batch).await) };
    keep(core, core.env.spawn("early", Box::pin(publish)));
}

/// `snapshot-without-version`: whether a snapshot is written over another without comparing versions.
pub(crate) fn without_version(core: &Core) -> bool {
    core.env.bug("snapshot-without-version")
}

/// `rebuild-swap-before-catch-up`: a new generation is shown before it has what the old one has.
pub(crate) fn swap_early(core: &Core) -> bool {
    core.env.bug("rebuild-swap-before-catch-up")
}

/// `once-key-after-handler`: whether the kept reply is written after the command's Commit instead of in it.
pub(crate) fn reply_later(core: &Core) -> bool {
    core.env.bug("once-key-after-handler")
}

/// The second Commit of that bug. Whatever happens before it leaves an effect without an answer.
pub(crate) async fn keep_reply(core: &Core, id: CommitId, kept: DocWrite) {
    let commit = Commit { docs: vec![kept], ..Commit::new(id) };
    drop(core.store.commit(commit).await);
}

/// `cancelled-between-writes`: what a command sets off is written after what it decides, in the same future: whoever
/// hangs up between the two leaves a half.
pub(crate) fn second_half(core: &Core, unit: &mut Unit) -> Option<Commit> {
    let id = CommitId(digest(&["second half", &format!("{:?}", unit.id)]));
    core.env.bug("cancelled-between-writes").then(|| unit.take_second_half(id)).flatten()
}

/// Writes that half.
pub(crate) async fn write_half(core: &Core, half: Option<Commit>) {
    if let Some(half) = half {
        drop(core.store.commit(half).await);
    }
}

/// `position-before-effect`: whether the cursor is committed on its own before the effect.
pub(crate) fn position_first(core: &Arc<Core>) -> bool {
    core.env.bug("position-before-effect")
}

/// `poison-skipped`: whether a fact whose handler fails for good is passed over instead of parked.
pub(crate) fn skips_poison(core: &Core) -> bool {
    core.env.bug("poison-skipped")
}

/// `poison-overtaken`: whether facts of a key are handled although an earlier one of it is put aside.
pub(crate) fn overtakes(core: &Core) -> bool {
    core.env.bug("poison-overtaken")
}

/// Whether a fact is passed over. `unknown-event-dropped`: in a schema this build does not know, instead of parked;
/// `fact-lost`: in the middle of its subject, while those after it are handled.
pub(crate) fn drops(core: &Core, consumer: &dyn Consumer, fact: &Envelope<'_>) -> bool {
    core.env.bug("unknown-event-dropped") && !consumer.heard().iter().any(|heard| **heard == *fact.kind)
        || core.env.bug("fact-lost") && fact.sequence > 1 && core.env.random().is_multiple_of(4)
}

/// `timer-early`: so much before its time a timer is due, in milliseconds.
pub(crate) fn early_ms(core: &Core) -> i64 {
    if core.env.bug("timer-early") { 400 } else { 0 }
}

/// `history-skipped`: whether a lane that missed facts goes on with what the broker has.
pub(crate) fn reads_on(core: &Core) -> bool {
    core.env.bug("history-skipped")
}

/// `no-fence-after-pause`: whether what is done under a lease goes unguarded, so that an owner that stood still while
/// another took over writes on.
pub(crate) fn unfenced(core: &Core) -> bool {
    core.env.bug("no-fence-after-pause")
}

/// `highest-offset`: whether the cursor moves to the highest fact handled, not to the last of those without a gap.
pub(crate) fn highest_first(core: &Core) -> bool {
    core.env.bug("highest-offset")
}

/// `effect-before-mark`: whether the mark that a fact was seen is written after its effect, in a Commit of its own.
pub(crate) fn effect_first(core: &Core) -> bool {
    core.env.bug("effect-before-mark")
}

/// `short-memory`: whether a fact that is so much older than the newest seen has been forgotten.
pub(crate) fn forgets(core: &Core, older: u64) -> bool {
    older > 0 && core.env.bug("short-memory")
}

/// `two-relays`: whether two workers publish one feed.
pub(crate) fn two_relays(core: &Core) -> bool {
    core.env.bug("two-relays")
}

/// `blind-retry`: a batch whose answer was lost is sent once more at once, and its last fact looks new to the broker.
/// Whether the bug is on.
pub(crate) fn retries_blindly(core: &Core, batch: &mut [Out], answer: &Result<(), BrokerError>) -> bool {
    let is_on = matches!(answer, Err(BrokerError::Unavailable(_))) && core.env.bug("blind-retry");
    if is_on {
        batch.iter_mut().for_each(|out| out.ordinal += 1_000);
    }
    is_on
}

/// `lost-timer`: the row of a timer is never written; `timer-after-state`: it follows later, on its own;
/// `timer-in-memory`: it is only written when it is due. Whether one of them is on.
pub(crate) fn timer_apart(core: &Arc<Core>, id: &str, todo: &Todo) -> bool {
    if core.env.bug("lost-timer") {
        return true;
    }
    let wait = match (core.env.bug("timer-after-state"), core.env.bug("timer-in-memory")) {
        (false, false) => return false,
        (true, _) => APART,
        (_, true) => Duration::from_millis(u64::try_from(todo.due_ms - core.env.wall_ms()).unwrap_or(0)),
    };
    let mut commit = Commit::new(CommitId(digest(&["apart", id, &core.env.random().to_string()])));
    commit.docs.push(DocWrite { key: Todo::key(id), put: Some(todo.body(id)) });
    let (env, store) = (core.env.clone(), core.store.clone());
    let later = async move {
        env.sleep(wait).await;
        drop(store.commit(commit).await);
    };
    keep(core, core.env.spawn("timer", Box::pin(later)));
    true
}

/// Keeps a task of a bug running.
fn keep(core: &Core, task: Box<dyn Task>) {
    core.planted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(task);
}
