//! Publishes what was committed, in commit order: the store is the outbox.

use std::{sync::Arc, time::Duration};

use bongsu_core::digest;
use serde::{Deserialize, Serialize};

use crate::{
    core::Core,
    lane::CURSOR,
    lease::RELAY,
    ports::{
        broker::{BrokerError, Out, Producer},
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, Position, Read, StoredEvent},
    },
};

#[derive(Serialize, Deserialize)]
struct At {
    position: u64,
}

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
    let at = found.and_then(|doc| serde_json::from_slice::<At>(&doc.data).ok()).map_or(0, |at| at.position);
    let (mut done, mut written, mut batches) = (Position(at), Position(at), 0);
    while core.leases.epoch(RELAY) == Some(epoch) {
        // The head is read first: what is up to it and carries no facts need not be looked at again.
        let head = core.store.head().await.map_err(|error| error.to_string())?;
        let events = core.store.read(Read::Facts { after: done }, BATCH).await.map_err(|error| error.to_string())?;
        let Some(last) = events.last().and_then(|event| event.position) else {
            done = done.max(head);
            if written != done {
                persist(core, &key, epoch, done).await?;
                written = done;
            }
            core.store.changed(done).await;
            continue;
        };
        publish(core, epoch, &events).await?;
        done = last;
        batches += 1;
        if batches % PERSIST_EVERY == 0 {
            persist(core, &key, epoch, done).await?;
            written = done;
        }
    }
    Ok(())
}

async fn publish(core: &Arc<Core>, epoch: u64, events: &[StoredEvent]) -> Result<(), String> {
    let batch = events.iter().flat_map(out).collect();
    core.env.step("relay.publish");
    let from = Producer { service: core.service.name, epoch };
    match core.broker.publish(from, batch).await {
        Ok(()) => Ok(()),
        Err(error @ (BrokerError::Fenced { .. } | BrokerError::Invalid(_))) => {
            tracing::error!(%error, "the broker refuses the relay");
            core.env.sleep(Duration::from_secs(1)).await;
            Err(error.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn out(event: &StoredEvent) -> impl Iterator<Item = Out> + '_ {
    let position = event.position.map_or(0, |position| position.0);
    event.facts.iter().enumerate().map(move |(ordinal, fact)| Out {
        topic: fact.topic.clone(),
        partition_key: fact.partition_key.clone(),
        position,
        ordinal: ordinal as u32,
        cloudevent: fact.cloudevent.clone(),
    })
}

async fn persist(core: &Arc<Core>, key: &DocKey, epoch: u64, at: Position) -> Result<(), String> {
    let id = CommitId(digest(&["relay", &core.settings.slot, &epoch.to_string(), &at.0.to_string()]));
    let mut commit = Commit::new(id);
    commit.guards.extend(core.leases.guard(RELAY));
    let data = serde_json::to_vec(&At { position: at.0 }).expect("a number encodes as JSON");
    commit.docs.push(DocWrite { key: key.clone(), put: Some(DocBody { data: data.into(), index: Vec::new() }) });
    core.store.commit(commit).await.map(|_| ()).map_err(|error| error.to_string())
}
