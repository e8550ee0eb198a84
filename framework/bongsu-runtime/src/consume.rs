//! One task per consumer: fetches for all the partitions this instance holds and hands each lane its share.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, pin_mut, select_biased};

use crate::{
    consumer::Consumer,
    core::Core,
    lane::{Lane, Stop},
    pauses::Pauses,
    ports::{
        broker::{Batch, BrokerError, Partition},
        store::StoreError,
    },
    topics,
};

const FETCH_BYTES: u32 = 1 << 20;
const FETCH_WAIT: Duration = Duration::from_millis(1_000);

/// What one consumer does in this instance.
struct Reading {
    core: Arc<Core>,
    consumer: Arc<dyn Consumer>,
    /// By lease.
    lanes: BTreeMap<String, Lane>,
    pauses: Pauses,
    /// Topics of which history is missing, and this was said.
    missing: BTreeSet<String>,
}

pub(crate) async fn run(core: Arc<Core>, consumer: Arc<dyn Consumer>) {
    let (lanes, pauses, missing) = (BTreeMap::new(), Pauses::default(), BTreeSet::new());
    let mut reading = Reading { core: core.clone(), consumer, lanes, pauses, missing };
    let mut pauses = 0;
    loop {
        let changed = core.leases.changed.notified().fuse();
        pin_mut!(changed);
        reading.open_and_close().await;
        let wait = reading.pauses.next(&core, FETCH_WAIT);
        if reading.lanes.is_empty() {
            let nap = core.env.sleep(wait).fuse();
            pin_mut!(nap);
            select_biased! { () = changed => {}, () = nap => {} }
            continue;
        }
        let want = reading.lanes.values().map(|lane| (lane.partition.clone(), lane.offset())).collect();
        let fetch = core.broker.fetch(want, FETCH_BYTES, wait).fuse();
        pin_mut!(fetch);
        let fetched = select_biased! { batch = fetch => batch, () = changed => continue };
        match fetched {
            Ok(batch) => {
                pauses = 0;
                reading.deliver(batch).await;
            }
            Err(BrokerError::Gone { topic, index, earliest, .. }) => {
                reading.history_is_missing(&Partition { topic, index }, earliest);
            }
            Err(error) => {
                if pauses == 0 {
                    tracing::warn!(consumer = reading.consumer.name(), %error, "facts cannot be fetched");
                }
                if matches!(error, BrokerError::Invalid(_)) {
                    reading.ensure_topics().await;
                }
                core.env.sleep(core.pause(pauses)).await;
                pauses = (pauses + 1).min(20);
            }
        }
    }
}

impl Reading {
    /// Opens the lanes whose lease was won, drops those whose lease was lost.
    async fn open_and_close(&mut self) {
        let prefix = format!("lane/{}/", self.consumer.name());
        let held = self.core.leases.held(&prefix);
        let health = &self.core.health;
        self.lanes.retain(|lease, _| {
            let keep = held.contains(lease);
            if !keep {
                health.goes_on(lease);
            }
            keep
        });
        for lease in held {
            if self.lanes.contains_key(&lease) || self.pauses.rests(&self.core, &lease) {
                continue;
            }
            let Some((topic, index)) = lease[prefix.len()..].rsplit_once('/') else { continue };
            let Ok(index) = index.parse() else { continue };
            let partition = Partition { topic: topic.to_owned(), index };
            match Lane::open(&self.core, self.consumer.clone(), partition, lease.clone()).await {
                Ok(lane) => {
                    if lane.is_whole() {
                        self.core.health.progress(&lease, lane.offset());
                    }
                    self.lanes.insert(lease, lane);
                }
                Err(error) => self.has_to_wait(&lease, &error),
            }
        }
    }

    /// The broker may be another one, that does not know the topics.
    async fn ensure_topics(&self) {
        for topic in self.consumer.topics() {
            if let Err(error) = topics::ensure(&self.core, &topic).await {
                tracing::debug!(topic, %error, "a topic cannot be made sure of");
            }
        }
    }

    async fn deliver(&mut self, batch: Batch) {
        let (core, log) = (self.core.clone(), batch.log);
        let mut messages: BTreeMap<Partition, _> = batch.messages.into_iter().collect();
        let work = self.lanes.iter_mut().map(|(lease, lane)| {
            let share = messages.remove(&lane.partition).unwrap_or_default();
            let core = &core;
            async move {
                let handled =
                    if share.is_empty() { lane.rest(core).await } else { lane.handle(core, log, &share).await };
                // Otherwise what moved the cursor may have been refused.
                if handled.is_ok() && lane.is_whole() {
                    core.health.progress(lease, lane.offset());
                }
                (lease.clone(), handled)
            }
        });
        let stopped: Vec<_> = futures::future::join_all(work).await;
        for (lease, handled) in stopped {
            match handled {
                Ok(()) => self.works(&lease),
                Err(Stop::Later(error)) => {
                    // Where it stands is no longer known: kept open, it would go on behind facts without effect.
                    self.lanes.remove(&lease);
                    self.has_to_wait(&lease, &error);
                }
                Err(Stop::Lost) => {
                    self.lanes.remove(&lease);
                }
                Err(Stop::OtherLog) => {
                    let partition = self.lanes.get(&lease).map(|lane| lane.partition.clone());
                    partition.into_iter().for_each(|partition| self.history_is_missing(&partition, 0));
                }
            }
        }
    }

    /// A lane tries again after a pause; said when it begins to.
    fn has_to_wait(&mut self, lease: &str, error: &StoreError) {
        if self.pauses.failed(&self.core, lease) {
            tracing::warn!(consumer = self.consumer.name(), lease, %error, "facts cannot be handled now");
        }
    }

    fn works(&mut self, lease: &str) {
        if self.pauses.works(lease) {
            tracing::info!(consumer = self.consumer.name(), lease, "facts are handled again");
        }
        let Some(lane) = self.lanes.get(lease).filter(|lane| !lane.is_cut()) else { return };
        self.core.health.goes_on(lease);
        let topic = lane.partition.topic.clone();
        let others = self.lanes.values().any(|lane| lane.is_cut() && lane.partition.topic == topic);
        if !others && self.missing.remove(&topic) {
            tracing::info!(consumer = self.consumer.name(), topic, "the missing facts are published again");
        }
    }

    /// What a lane has to read next is not there (any more): it looks for a refill, and an operator is told, once
    /// for all partitions of a topic.
    fn history_is_missing(&mut self, partition: &Partition, earliest: u64) {
        let found = self.lanes.iter_mut().find(|(_, lane)| lane.partition == *partition);
        let Some((lease, lane)) = found else { return };
        if !lane.look_for_refill(earliest) {
            return;
        }
        let remedy = format!("bongsu republish {}", partition.topic);
        self.core.health.halt(lease, &format!("facts it has not heard are gone from the broker; {remedy}"));
        if self.missing.insert(partition.topic.clone()) {
            tracing::error!(
                code = "history-missing",
                consumer = self.consumer.name(),
                topic = partition.topic,
                remedy,
                "facts that were not heard yet are gone from the broker: nothing is heard until all are published again"
            );
        }
    }
}
