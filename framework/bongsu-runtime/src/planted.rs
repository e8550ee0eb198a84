//! Bugs planted for tests: the simulator switches one on and must turn red. `Env::bug` is never true in a
//! real process. Another, `lost-timer`, is one line in `run_process.rs`.

use std::sync::Arc;

use bongsu_core::type_of;

use crate::{
    consumer::Consumer,
    core::Core,
    ports::{
        broker::{Out, Producer},
        store::{Commit, CommitId, DocWrite},
    },
};

/// `publish-before-commit`: facts leave when the Commit is queued, whatever becomes of it.
pub(crate) fn publish_early(core: &Core, commit: &Commit) {
    if !core.env.bug("publish-before-commit") {
        return;
    }
    let broker = core.broker.clone();
    let service = format!("{}-early", core.service.name);
    let facts = commit.events.iter().flat_map(|event| &event.facts);
    let batch: Vec<Out> = facts
        .enumerate()
        .map(|(ordinal, fact)| Out {
            topic: fact.topic.clone(),
            partition_key: fact.partition_key.clone(),
            position: core.env.mono().as_nanos() as u64,
            ordinal: ordinal as u32,
            cloudevent: fact.cloudevent.clone(),
        })
        .collect();
    let publish =
        async move { drop(broker.publish(Producer { service: &service, epoch: 1, refill: 0, after: 0 }, batch).await) };
    core.planted
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .push(core.env.spawn("early", Box::pin(publish)));
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

/// `position-before-effect`: whether the cursor is committed on its own before the effect.
pub(crate) fn position_first(core: &Arc<Core>) -> bool {
    core.env.bug("position-before-effect")
}

/// `poison-skipped`: whether a fact whose handler fails for good is passed over instead of parked.
pub(crate) fn skips_poison(core: &Core) -> bool {
    core.env.bug("poison-skipped")
}

/// `unknown-event-dropped`: whether a fact in a schema this build does not know is passed over instead of parked.
pub(crate) fn drops_unknown(core: &Core, consumer: &dyn Consumer, name: &str, schema: u32) -> bool {
    core.env.bug("unknown-event-dropped") && !consumer.heard().contains(&type_of(name, schema).as_str())
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
