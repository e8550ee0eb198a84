//! Publishes what was committed, in commit order: the store is the outbox.

use std::{sync::Arc, time::Duration};

use bongsu_core::digest;
use serde::{Deserialize, Serialize};

use crate::{
    core::Core,
    lane::CURSOR,
    lease::RELAY,
    planted,
    ports::{
        broker::{BrokerError, Out, Producer},
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, Position, StoredFacts},
    },
    refill, topics,
};

/// How far the relay is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct At {
    /// Everything up to here was looked at.
    position: u64,
    /// The last position that had something to tell.
    #[serde(default)]
    told: u64,
}

/// How often it looks whether somebody asked for a refill.
const QUIET: Duration = Duration::from_millis(500);
const BATCH: u32 = 256;
/// The cursor is written every so many batches and when nothing is left: the broker drops what it has.
const PERSIST_EVERY: u32 = 16;

/// Relays while this instance holds the lease.
pub(crate) async fn run(core: Arc<Core>) {
    let mut pauses = 0;
    loop {
        let changed = core.leases.changed.notified();
        let Some(epoch) = core.leases.epoch(RELAY) else {
            changed.await;
            continue;
        };
        drop(changed);
        match relay(&core, epoch).await {
            Ok(()) => pauses = 0,
            Err(why) => {
                if pauses == 0 {
                    tracing::warn!(why, "facts cannot be published; they wait in the store");
                }
                core.env.sleep(core.pause(pauses)).await;
                pauses = (pauses + 1).min(20);
            }
        }
    }
}

/// Publishes from the cursor on until the lease is lost or something fails.
async fn relay(core: &Arc<Core>, epoch: u64) -> Result<(), String> {
    let key = DocKey::new(CURSOR, "relay");
    let found = core.store.docs(vec![key.clone()]).await.map_err(|error| error.to_string())?.pop().flatten();
    let mut written = found.and_then(|doc| serde_json::from_slice::<At>(&doc.data).ok()).unwrap_or_default();
    let (mut at, mut batches) = (written, 0);
    while core.leases.epoch(RELAY) == Some(epoch) {
        refill::publish_waiting(core, epoch).await?;
        // The head is read first: what is up to it and carries no facts need not be looked at again.
        let head = core.store.head().await.map_err(|error| error.to_string())?;
        let after = Position(at.position);
        let told = core.store.facts(after, BATCH).await.map_err(|error| error.to_string())?;
        let Some(last) = told.last().map(|told| told.position) else {
            at.position = at.position.max(head.0);
            if written != at {
                persist(core, &key, epoch, at).await?;
                written = at;
            }
            core.store.changed(Position(at.position)).await;
            continue;
        };
        if planted::two_relays(core) {
            // The worker of the second half is faster.
            publish(core, epoch, at.told, &told[told.len() / 2..]).await?;
        }
        if !publish(core, epoch, at.told, &told).await? {
            wait_for_refill(core, epoch).await?;
            continue;
        }
        at = At { position: last.0, told: last.0 };
        batches += 1;
        if batches % PERSIST_EVERY == 0 {
            persist(core, &key, epoch, at).await?;
            written = at;
        }
    }
    Ok(())
}

/// Publishes nothing into a broker that lost what it was given: what came first would then come last. Says so once,
/// and waits until an operator has everything published again.
async fn wait_for_refill(core: &Arc<Core>, epoch: u64) -> Result<(), String> {
    let mut told = false;
    while core.leases.epoch(RELAY) == Some(epoch) {
        if refill::whole_one_waits(core).await? {
            core.health.goes_on(RELAY);
            return Ok(());
        }
        if !told {
            told = true;
            let remedy = format!("bongsu republish {}", core.service.name);
            core.health.halt(RELAY, &format!("the broker's history was replaced; {remedy}"));
            tracing::error!(
                code = "history-replaced",
                remedy,
                "the broker's history was replaced: facts wait in the store until all are published again"
            );
        }
        core.env.sleep(QUIET).await;
    }
    core.health.goes_on(RELAY);
    Err("the lease was lost".into())
}

/// Publishes a batch; false when the broker lost what it was given before.
async fn publish(core: &Arc<Core>, epoch: u64, after: u64, told: &[StoredFacts]) -> Result<bool, String> {
    let mut batch: Vec<Out> = told.iter().flat_map(out).collect();
    planted::number_blindly(core, &mut batch);
    core.env.step("relay.publish");
    let from = Producer { service: core.service.name, epoch, refill: 0, after };
    let mut answer = core.broker.publish(from, batch.clone()).await;
    if matches!(answer, Err(BrokerError::Invalid(_))) && topics::ensure(core, core.service.name).await.is_ok() {
        // The topic may have been missing.
        answer = core.broker.publish(from, batch).await;
    }
    match answer {
        Ok(()) => Ok(true),
        Err(BrokerError::Behind { .. }) => Ok(false),
        Err(error @ (BrokerError::Fenced { .. } | BrokerError::Invalid(_))) => {
            tracing::error!(%error, "the broker refuses the relay");
            core.env.sleep(Duration::from_secs(1)).await;
            Err(error.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn out(told: &StoredFacts) -> impl Iterator<Item = Out> + '_ {
    told.facts.iter().enumerate().map(move |(ordinal, fact)| Out {
        topic: fact.topic.clone(),
        partition_key: fact.partition_key.clone(),
        position: told.position.0,
        ordinal: ordinal as u32,
        cloudevent: fact.cloudevent.clone(),
    })
}

async fn persist(core: &Arc<Core>, key: &DocKey, epoch: u64, at: At) -> Result<(), String> {
    let id = CommitId(digest(&["relay", &core.settings.slot, &epoch.to_string(), &at.position.to_string()]));
    let mut commit = Commit::new(id);
    // Lost meanwhile: without a fence, whoever relays now would be set back.
    let fence = core.leases.guard(RELAY).ok_or("the relay is another instance's")?;
    if !planted::unfenced(core) {
        commit.guards.push(fence);
    }
    let data = serde_json::to_vec(&at).expect("a position has string keys and encodes as JSON");
    commit.docs.push(DocWrite { key: key.clone(), put: Some(DocBody { data: data.into(), index: Vec::new() }) });
    core.store.commit(commit).await.map(|_| ()).map_err(|error| error.to_string())
}
