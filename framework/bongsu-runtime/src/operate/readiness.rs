//! Whether this instance is ready, and if not, why.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bongsu_core::digest;

use crate::{
    commit::{core::Core, health::Standstill, map::Consumer},
    ports::{
        broker::{LogId, Partition},
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
    /// The first offset the broker kept when it was asked.
    earliest: u64,
    end: u64,
    /// The broker's history.
    log: LogId,
}

/// Notes the heads at start and marks the instance caught up once every read model has passed them. A broker
/// that stays away does not keep a service from starting again: its read models are as fresh as they can be. One
/// that was never filled (a new VERSION) waits, because it would answer that there is nothing.
///
/// Passing them may have taken long, and the instances beside this one have shown newer facts since: then the heads are
/// noted again, until that takes no time worth mentioning. A read model that was filled once does not wait for ever:
/// when it comes no nearer it is as fresh as it can be. And nobody waits for a lane behind whose one key too many facts
/// wait for an operator: that lane is named beside, and commands are served. Nor for ever for one whose history is gone: it is
/// named and not read until an operator has it republished.
pub(crate) async fn watch_catch_up(core: Arc<Core>) {
    /// A broker that is away for longer does not keep a service from starting again.
    const PATIENCE: Duration = Duration::from_secs(3);
    /// Adds nothing a person notices to the time until a start is ready.
    const POLL: Duration = Duration::from_millis(20);
    /// How far behind one may be that is said to have caught up: a read model that is fed all the time is never less than
    /// some milliseconds behind.
    const BEHIND: Duration = Duration::from_millis(500);
    /// How long a read model that was filled once may come no nearer: then it is broken, and what it has is better than a
    /// service that does not start.
    const STILL: Duration = Duration::from_secs(10);
    let start = core.env.mono();
    let mut heads = None;
    let mut noted = start;
    let mut before = Duration::MAX;
    let mut nearest = 0;
    let mut moved = start;
    loop {
        if heads.is_none() {
            noted = core.env.mono();
            heads = note_heads(&core).await;
        }
        let come = match &heads {
            Some(heads) => how_far(&core, heads).await.unwrap_or_default(),
            None => Come::default(),
        };
        if come.read > nearest {
            nearest = come.read;
            moved = core.env.mono();
        }
        let still = core.env.mono().saturating_sub(if heads.is_some() { moved } else { start });
        let patience = if heads.is_some() { STILL } else { PATIENCE };
        let passed = heads.is_some() && come.missing.is_none() && come.gone.is_empty();
        core.health.lock().waiting = come.missing.clone().or_else(|| come.gone.values().next().cloned());
        let left_out = if !passed && still > patience { left_out(&core, &come).await } else { None };
        if passed || left_out.is_some() {
            let took = core.env.mono().saturating_sub(noted);
            if !passed || took <= BEHIND || took >= before && not_filled(&core).await == Ok(Vec::new()) {
                // What stands still is not filled by being waited for.
                if passed && !come.halted {
                    note_filled(&core).await;
                }
                core.health.caught_up(left_out.unwrap_or_default());
                return fill_late(&core, &heads.unwrap_or_default()).await;
            }
            heads = None;
            before = took;
            continue;
        }
        core.env.sleep(POLL).await;
    }
}

/// The read models that are left out when nobody waits any longer: never filled, and what they would be filled from is
/// gone. `None` while there is something to wait for: one that moves, or an earlier version that another process shows.
async fn left_out(core: &Arc<Core>, come: &Come) -> Option<BTreeMap<String, String>> {
    let unfilled = not_filled(core).await.ok()?;
    if unfilled.is_empty() {
        return Some(BTreeMap::new());
    }
    if come.missing.is_some() || come.gone.is_empty() {
        return None;
    }
    let gone = come.gone.iter().filter(|(root, _)| unfilled.contains(&filled_key(root)));
    let gone: BTreeMap<String, String> = gone.map(|(root, why)| (root.clone(), why.clone())).collect();
    (!is_shown_beside(core, &gone)).then_some(gone)
}

/// Whether a live process has another version of one of these: it shows more than this one could.
fn is_shown_beside(core: &Core, roots: &BTreeMap<String, String>) -> bool {
    let name = |root: &str| root.split('@').next().map(str::to_owned);
    let members = core.leases.members();
    let mut others = members.values().flat_map(|member| &member.consumers);
    others.any(|other| other.contains('@') && roots.keys().any(|root| root != other && name(root) == name(other)))
}

/// Shows what was left out as soon as it has everything that was published before the start.
async fn fill_late(core: &Arc<Core>, heads: &[Head]) {
    /// An operator has to act first, and waits no longer than a person does.
    const LOOK: Duration = Duration::from_secs(1);
    while !core.health.lock().unfilled.is_empty() {
        core.env.sleep(LOOK).await;
        let Ok(come) = how_far(core, heads).await else { continue };
        core.health.lock().unfilled.retain(|root, _| come.behind.contains(root));
        if come.behind.is_empty() && !come.halted {
            note_filled(core).await;
        }
    }
}

/// Everything published so far.
async fn note_heads(core: &Arc<Core>) -> Option<Vec<Head>> {
    let mut heads = Vec::new();
    for consumer in read_models(core) {
        for topic in consumer.topics() {
            let bounds = core.broker.bounds(&topic).await.ok()?;
            let ends = bounds.partitions.into_iter().filter(|(_, _, end)| *end > 0);
            heads.extend(ends.map(|(partition, earliest, end)| Head {
                consumer: consumer.name().to_owned(),
                partition,
                earliest,
                end,
                log: bounds.log,
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
    /// Read models whose next fact is gone from the broker, each with what to do about it.
    gone: BTreeMap<String, String>,
    /// Read models that have not passed every head, whatever keeps them.
    behind: BTreeSet<String>,
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
    for (Head { consumer, partition, earliest, end, log }, doc) in heads.iter().zip(docs) {
        let lane = Resource::lane(consumer, partition);
        let cursor = doc.and_then(|doc| serde_json::from_slice::<Cursor>(&doc.data).ok());
        let refills = cursor.as_ref().is_some_and(|cursor| cursor.refill.is_some());
        // In the midst of a refill, or in another history, an offset says nothing.
        let kept = cursor.filter(|cursor| cursor.refill.is_none() && cursor.log == *log).map_or(0, |at| at.offset);
        let read = kept.max(facts.progress.get(&lane).copied().unwrap_or(0));
        come.read += read;
        if read >= *end {
            continue;
        }
        let Partition { topic, index } = partition;
        let stands = facts.halted.get(&lane).map(|(standstill, _)| *standstill);
        if stands == Some(Standstill::Operator) {
            come.halted = true;
            continue;
        }
        come.behind.insert(consumer.clone());
        // The instance that has the lane knows; the others see where it stands.
        if stands == Some(Standstill::History) || !refills && read < *earliest {
            let why = format!("facts of {topic} it has not heard are gone from the broker; bongsu republish {topic}");
            come.gone.insert(consumer.clone(), why);
        } else if come.missing.is_none() {
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
