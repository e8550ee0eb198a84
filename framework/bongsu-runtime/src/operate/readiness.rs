//! Whether this instance is ready, and if not, why.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bongsu_core::digest;

use crate::{
    commit::{core::Core, health::Standstill, map::Consumer},
    ports::{
        broker::Partition,
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, StoreError},
    },
    records::{
        cursor::{Cursor, cursor_key},
        generation::{filled_key, table},
        lease::Resource,
    },
};

/// How far a read model has to come.
struct Head {
    consumer: String,
    partition: Partition,
    end: u64,
    /// The broker's history.
    log: String,
}

/// Notes the heads at start and marks the instance caught up once every read model has passed them. A broker
/// that stays away does not keep a service from starting again: its read models are as fresh as they can be. One
/// that was never filled (a new VERSION) waits, because it would answer that there is nothing.
///
/// Passing them may have taken long, and the instances beside this one have shown newer facts since: then the heads are
/// noted again, until that takes no time worth mentioning. A read model that was filled once does not wait for ever:
/// when it comes no nearer it is as fresh as it can be. And nobody waits for a lane behind whose one key too many facts
/// wait for an operator: that lane is named beside, and commands are served.
pub(crate) async fn watch_catch_up(core: Arc<Core>) {
    const PATIENCE: Duration = Duration::from_secs(3);
    const POLL: Duration = Duration::from_millis(20);
    /// How far behind one may be that is said to have caught up.
    const BEHIND: Duration = Duration::from_millis(500);
    /// How long a read model that was filled once may come no nearer.
    const STILL: Duration = Duration::from_secs(10);
    let start = core.env.mono();
    let (mut heads, mut noted, mut before) = (None, start, Duration::MAX);
    let (mut nearest, mut moved) = (0, start);
    loop {
        if heads.is_none() {
            noted = core.env.mono();
            heads = note_heads(&core).await;
        }
        let Come { read, missing, halted } = match &heads {
            Some(heads) => how_far(&core, heads).await.unwrap_or_default(),
            None => Come::default(),
        };
        if read > nearest {
            (nearest, moved) = (read, core.env.mono());
        }
        let still = core.env.mono().saturating_sub(if heads.is_some() { moved } else { start });
        let patience = if heads.is_some() { STILL } else { PATIENCE };
        let passed = heads.is_some() && missing.is_none();
        core.health.lock().waiting = missing;
        if passed || still > patience && not_filled(&core).await == Ok(Vec::new()) {
            let took = core.env.mono().saturating_sub(noted);
            if !passed || took <= BEHIND || took >= before && not_filled(&core).await == Ok(Vec::new()) {
                // What stands still is not filled by being waited for.
                if passed && !halted {
                    note_filled(&core).await;
                }
                core.health.lock().caught_up = true;
                return;
            }
            (heads, before) = (None, took);
            continue;
        }
        core.env.sleep(POLL).await;
    }
}

/// Everything published so far.
async fn note_heads(core: &Arc<Core>) -> Option<Vec<Head>> {
    let mut heads = Vec::new();
    for consumer in read_models(core) {
        for topic in consumer.topics() {
            let bounds = core.broker.bounds(&topic).await.ok()?;
            let ends = bounds.partitions.into_iter().filter(|(_, _, end)| *end > 0);
            let log = format!("{:032x}", bounds.log.0);
            heads.extend(ends.map(|(partition, _, end)| Head {
                consumer: consumer.name().to_owned(),
                partition,
                end,
                log: log.clone(),
            }));
        }
    }
    Some(heads)
}

/// How far the read models have come.
#[derive(Default)]
struct Come {
    /// The sum of what they have read.
    read: u64,
    /// The first head that is not passed, of a lane that moves.
    missing: Option<String>,
    /// Whether some lane stands still before its head.
    halted: bool,
}

async fn how_far(core: &Arc<Core>, heads: &[Head]) -> Result<Come, StoreError> {
    let mut tables = BTreeMap::new();
    for consumer in read_models(core) {
        let (generation, _) = core.shown(consumer.name()).await?;
        tables.insert(consumer.name(), table(consumer.name(), generation));
    }
    let keys = heads.iter().map(|head| cursor_key(&tables[head.consumer.as_str()], &head.partition)).collect();
    let docs = core.store.docs(keys).await?;
    let facts = core.health.lock();
    let mut come = Come::default();
    for (Head { consumer, partition, end, log }, doc) in heads.iter().zip(docs) {
        let lane = Resource::lane(consumer, partition).to_string();
        let cursor = doc.and_then(|doc| serde_json::from_slice::<Cursor>(&doc.data).ok());
        // In the midst of a refill, or in another history, an offset says nothing.
        let kept = cursor.filter(|cursor| cursor.refill.is_none() && cursor.log == *log).map_or(0, |at| at.offset);
        let read = kept.max(facts.progress.get(&lane).copied().unwrap_or(0));
        come.read += read;
        if read >= *end {
            continue;
        }
        if facts.halted.get(&lane).is_some_and(|(standstill, _)| *standstill == Standstill::Operator) {
            come.halted = true;
        } else if come.missing.is_none() {
            let Partition { topic, index } = partition;
            come.missing = Some(format!("{consumer} has read {read} of {end} of {topic}/{index}"));
        }
    }
    Ok(come)
}

/// The marks that are missing of read models that once passed the heads noted at a start.
async fn not_filled(core: &Arc<Core>) -> Result<Vec<DocKey>, StoreError> {
    let keys: Vec<DocKey> = read_models(core).map(|consumer| filled_key(consumer.name())).collect();
    let docs = core.store.docs(keys.clone()).await?;
    Ok(keys.into_iter().zip(docs).filter(|(_, doc)| doc.is_none()).map(|(key, _)| key).collect())
}

/// Leaves the marks; one that cannot be left now is left at the next start.
async fn note_filled(core: &Arc<Core>) {
    let Ok(missing) = not_filled(core).await else { return };
    if missing.is_empty() {
        return;
    }
    let mut commit = Commit::new(CommitId(digest(&["filled", &core.env.random().to_string()])));
    let body = || Some(DocBody { data: "true".into(), index: Vec::new() });
    commit.docs = missing.into_iter().map(|key| DocWrite { key, put: body() }).collect();
    if let Err(error) = core.store.commit(commit).await {
        tracing::debug!(%error, "that the read models are filled could not be noted");
    }
}

fn read_models(core: &Arc<Core>) -> impl Iterator<Item = &Arc<dyn Consumer>> {
    core.map.consumers.iter().filter(|consumer| consumer.is_read_model())
}
