//! Whether this instance is ready, and if not, why.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;

use crate::{
    core::Core,
    lane::{Cursor, cursor_key},
    ports::{broker::Partition, store::StoreError},
};

/// What `/health/ready` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whether requests may come.
    pub ready: bool,
    /// What stands in the way, or is degraded.
    pub reasons: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Health(Mutex<Facts>);

#[derive(Default)]
struct Facts {
    joined: bool,
    caught_up: bool,
    superseded: bool,
    damaged: Option<String>,
    halted: BTreeSet<String>,
    progress: BTreeMap<String, u64>,
}

impl Health {
    pub(crate) fn status(&self) -> Status {
        let facts = self.lock();
        let mut reasons = Vec::new();
        if !facts.joined {
            reasons.push("leases are not taken yet".to_owned());
        }
        if !facts.caught_up {
            reasons.push("read models have not caught up with what was published before the start".to_owned());
        }
        if facts.superseded {
            reasons.push("another process runs in this slot".to_owned());
        }
        reasons.extend(facts.damaged.clone());
        let ready = reasons.is_empty();
        reasons.extend(facts.halted.iter().map(|lane| format!("{lane} stopped: the broker's history was replaced")));
        Status { ready, reasons }
    }

    pub(crate) fn joined(&self) {
        self.lock().joined = true;
    }

    pub(crate) fn superseded(&self) {
        self.lock().superseded = true;
    }

    pub(crate) fn store_failed(&self, error: &StoreError) {
        if let StoreError::Corrupt(why) = error {
            self.lock().damaged = Some(format!("the store is damaged: {why}"));
        }
    }

    pub(crate) fn halt(&self, lane: &str) {
        self.lock().halted.insert(lane.to_owned());
    }

    pub(crate) fn is_halted(&self, lane: &str) -> bool {
        self.lock().halted.contains(lane)
    }

    pub(crate) fn progress(&self, lane: &str, offset: u64) {
        self.lock().progress.insert(lane.to_owned(), offset);
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes the heads at start and marks the instance caught up once every read model has passed them. A broker
/// that stays away does not keep a service from starting: its read models are as fresh as they can be.
pub(crate) async fn watch_catch_up(core: Arc<Core>) {
    const PATIENCE: Duration = Duration::from_secs(3);
    const POLL: Duration = Duration::from_millis(20);
    let start = core.env.mono();
    let mut heads = None;
    loop {
        if heads.is_none() {
            heads = note_heads(&core).await;
        }
        let passed = match &heads {
            Some(heads) => has_passed(&core, heads).await,
            None => core.env.mono().saturating_sub(start) > PATIENCE,
        };
        if passed {
            core.health.lock().caught_up = true;
            return;
        }
        core.env.sleep(POLL).await;
    }
}

async fn note_heads(core: &Arc<Core>) -> Option<Vec<(String, Partition, u64)>> {
    let mut heads = Vec::new();
    for consumer in core.service.consumers.iter().filter(|consumer| consumer.gates_readiness()) {
        for topic in consumer.topics() {
            let bounds = core.broker.bounds(&topic).await.ok()?;
            let ends = bounds.partitions.into_iter().filter(|(_, earliest, end)| end > earliest);
            heads.extend(ends.map(|(partition, _, end)| (consumer.name().to_owned(), partition, end)));
        }
    }
    Some(heads)
}

async fn has_passed(core: &Arc<Core>, heads: &[(String, Partition, u64)]) -> bool {
    let keys = heads.iter().map(|(consumer, partition, _)| cursor_key(consumer, partition)).collect();
    let Ok(docs) = core.store.docs(keys).await else { return false };
    let facts = core.health.lock();
    heads.iter().zip(docs).all(|((consumer, partition, end), doc)| {
        let lane = format!("lane/{consumer}/{}/{}", partition.topic, partition.index);
        let kept =
            doc.and_then(|doc| serde_json::from_slice::<Cursor>(&doc.data).ok()).map_or(0, |cursor| cursor.offset);
        kept.max(facts.progress.get(&lane).copied().unwrap_or(0)) >= *end
    })
}
