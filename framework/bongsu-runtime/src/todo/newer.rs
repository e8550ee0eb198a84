//! What waits for a newer build: tried by each build that comes, as it stands, and done by the first that can.
//!
//! During a rolling deployment the older build meets facts, events, commands and to-dos that it does not know. They are
//! parked as such, with their keys behind them. Whoever holds their shard tries them when it starts, when it takes over a
//! shard, and every few seconds. A build that still cannot writes nothing and counts nothing; one that can does them in
//! their order, each with the end of its to-do in one Commit. So an upgrade needs no operator.

use std::{collections::BTreeSet, ops::Bound, sync::Arc, time::Duration};

use futures::future::join_all;

use crate::{
    commit::{core::Core, fail::Fail, unit::Unit},
    ports::store::{Scan, StoreError},
    records::{
        todo::{NEWER, TODO, Todo, Work, due_key},
        todo_id::TodoId,
    },
    todo::attempt::run_todo,
};

/// How often everything that waits is tried: it waits for a build that somebody rolls out, which takes longer than
/// this.
const EVERY: Duration = Duration::from_secs(5);
/// How soon a shard that was taken over is looked at: about as soon as a takeover itself.
const TICK: Duration = Duration::from_millis(500);
/// So many are found at once, and so many of them tried side by side: nothing here is urgent, and commands come first.
const PAGE: u32 = 128;
const AT_ONCE: usize = 16;

/// Looks while this instance lives.
pub(crate) async fn run(core: Arc<Core>) {
    let mut before = BTreeSet::new();
    let mut next = Duration::ZERO;
    loop {
        let held: BTreeSet<u32> = core.leases.shards().into_iter().collect();
        let all = core.env.mono() >= next;
        if all {
            next = core.env.mono() + EVERY;
        }
        for shard in held.iter().filter(|shard| all || !before.contains(*shard)) {
            if let Err(error) = look(&core, *shard).await {
                tracing::warn!(%error, "what waits for a newer build cannot be looked at now");
            }
        }
        before = held;
        core.env.sleep(TICK).await;
    }
}

/// Tries everything of one shard once.
async fn look(core: &Arc<Core>, shard: u32) -> Result<(), StoreError> {
    let mut from = Bound::Included(due_key(shard, 0));
    loop {
        let scan = Scan {
            table: TODO.to_owned(),
            index: Some(NEWER),
            from,
            to: Bound::Excluded(due_key(shard, i64::MAX)),
            descending: false,
            limit: PAGE,
        };
        let found = core.store.keys(scan).await?;
        let ids: Vec<TodoId> = found.iter().filter_map(|cursor| TodoId::at(cursor)).collect();
        for some in ids.chunks(AT_ONCE) {
            join_all(some.iter().map(|id| again(core, id))).await.into_iter().collect::<Result<(), _>>()?;
        }
        match found.last() {
            Some(last) if found.len() == PAGE as usize => from = Bound::Excluded(last.clone()),
            _ => return Ok(()),
        }
    }
}

/// Tries one. What is to be asked of the outside is left to the drainer, once this build knows what it is.
async fn again(core: &Arc<Core>, id: &TodoId) -> Result<(), StoreError> {
    let found = core.store.docs(vec![Todo::key(id)]).await?.pop().flatten();
    match found.and_then(|doc| Todo::decode(&doc.data).ok()) {
        Some(Todo { work: Work::Job { activity, event, outcome: None, .. }, .. }) => {
            let job = core.map.jobs.iter().find(|job| job.name() == activity);
            if job.is_some_and(|job| job.knows(&event.message())) { make_due(core, id).await } else { Ok(()) }
        }
        Some(_) => {
            run_todo(core, id).await;
            Ok(())
        }
        None => Ok(()),
    }
}

/// Hands it to the drainer; should it have moved meanwhile, the next look sees to it.
async fn make_due(core: &Arc<Core>, id: &TodoId) -> Result<(), StoreError> {
    core.cache().forget_doc(&Todo::key(id));
    let Some(fence) = core.leases.guard(&id.lease()) else { return Ok(()) };
    let mut unit = Unit::new(core);
    unit.fence(fence);
    let data = match unit.doc(&Todo::key(id)).await {
        Ok(data) => data,
        Err(Fail::Store(error)) => return Err(error),
        Err(Fail::Newer(_) | Fail::Corrupt(_)) => return Ok(()),
    };
    let todo = data.and_then(|data| Todo::decode(&data).ok()).filter(|todo| todo.newer);
    let Some(mut todo) = todo else { return Ok(()) };
    todo.resume();
    todo.due_ms = unit.now_ms;
    unit.put_todo(id, &todo);
    core.attempt(unit.plan()).await.map(drop)
}
