//! One task per consumer fetches for all the partitions this instance holds; one task per partition handles what
//! came, at its own speed.
//!
//! Between them is a box per partition, bounded in bytes: while one is full nothing more is asked for that partition,
//! and for the others as before. A lane that cannot go on delays nobody.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{FutureExt, pin_mut, select_biased};
use tokio::sync::Notify;

use crate::{
    commit::{core::Core, map::Consumer, tasks::keep_running},
    consume::{mailbox::Mailbox, reader::Reader},
    ports::{
        broker::{Batch, BrokerError, Partition},
        env::Task,
    },
    records::lease::{LANE, Resource},
    relay::topics,
};

const FETCH_BYTES: u32 = 1 << 20;
const FETCH_WAIT: Duration = Duration::from_millis(1_000);

/// What the tasks of one consumer share.
pub(crate) struct Reading {
    pub(crate) core: Arc<Core>,
    pub(crate) consumer: Arc<dyn Consumer>,
    /// Rung when a partition is to be asked for that was not, or from elsewhere.
    pub(crate) asks: Notify,
    /// Lanes of which history is missing, by topic: said once for all of a topic.
    missing: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

/// A partition that is read here.
struct Open {
    partition: Partition,
    mailbox: Arc<Mailbox>,
    /// Dropping it ends the lane.
    _task: Box<dyn Task>,
}

pub(crate) async fn run(core: Arc<Core>, consumer: Arc<dyn Consumer>) {
    let asks = Notify::new();
    let missing = Mutex::default();
    let reading = Arc::new(Reading { core: core.clone(), consumer, asks, missing });
    let mut lanes = BTreeMap::new();
    let mut pauses = 0_u32;
    loop {
        let (changed, asked) = (core.leases.changed.notified().fuse(), reading.asks.notified().fuse());
        pin_mut!(changed, asked);
        reading.open_and_close(&mut lanes);
        let want: Vec<_> = lanes.values().filter_map(Open::want).collect();
        if want.is_empty() {
            let nap = core.env.sleep(FETCH_WAIT).fuse();
            pin_mut!(nap);
            select_biased! { () = changed => {}, () = asked => {}, () = nap => {} }
            continue;
        }
        let fetch = core.broker.fetch(want.clone(), FETCH_BYTES, FETCH_WAIT).fuse();
        pin_mut!(fetch);
        let fetched = select_biased! { batch = fetch => batch, () = changed => continue, () = asked => continue };
        match fetched {
            Ok(batch) => {
                pauses = 0;
                core.partings.learn(&batch.partings);
                deliver(&lanes, &want, batch);
            }
            Err(BrokerError::Gone { topic, index, asked, earliest, .. }) => {
                let gone = Partition { topic, index };
                let lane = lanes.values().find(|open| open.partition == gone);
                lane.into_iter().for_each(|open| open.mailbox.gone(asked, earliest));
            }
            Err(error) => {
                if pauses == 0 {
                    tracing::warn!(consumer = reading.consumer.name(), %error, "facts cannot be fetched");
                }
                if matches!(error, BrokerError::Invalid(_)) {
                    reading.ensure_topics().await;
                }
                core.env.sleep(core.pause(pauses)).await;
                pauses = pauses.saturating_add(1);
            }
        }
    }
}

impl Open {
    /// What is to be fetched for it, if there is room.
    fn want(&self) -> Option<(Partition, u64)> {
        Some((self.partition.clone(), self.mailbox.wants()?))
    }
}

/// Puts each partition's share where its lane finds it. A share of nothing still says whose history it is.
fn deliver(lanes: &BTreeMap<String, Open>, want: &[(Partition, u64)], batch: Batch) {
    let mut shares: BTreeMap<_, _> = batch.messages.into_iter().collect();
    for (partition, asked) in want {
        let messages = shares.remove(partition).unwrap_or_default();
        if let Some(open) = lanes.values().find(|open| open.partition == *partition) {
            open.mailbox.put(*asked, batch.log, messages);
        }
    }
}

impl Reading {
    /// Starts a lane for each lease that was won, and ends those whose lease was lost.
    fn open_and_close(self: &Arc<Self>, lanes: &mut BTreeMap<String, Open>) {
        let prefix = format!("{LANE}{}/", self.consumer.name());
        let held = self.core.leases.held(&prefix);
        lanes.retain(|lease, open| {
            let keep = held.contains(lease);
            if !keep {
                self.core.health.goes_on(lease);
                self.is_whole(&open.partition.topic, lease);
            }
            keep
        });
        for lease in held {
            if lanes.contains_key(&lease) {
                continue;
            }
            let Ok(Resource::Lane { partition, .. }) = lease.parse() else { continue };
            let mailbox = Arc::new(Mailbox::default());
            let (reading, to, of, name) = (self.clone(), mailbox.clone(), partition.clone(), lease.clone());
            let task = keep_running(&self.core, "lane", move |_| {
                Box::pin(Reader::new(reading.clone(), to.clone(), of.clone(), name.clone()).run())
            });
            lanes.insert(lease, Open { partition, mailbox, _task: task });
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

    /// Notes that a lane misses history; true when it is the first of its topic.
    pub(crate) fn is_cut(&self, topic: &str, lease: &str) -> bool {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let lanes = missing.entry(topic.to_owned()).or_default();
        let first = lanes.is_empty();
        lanes.insert(lease.to_owned());
        first
    }

    /// Notes that a lane misses nothing; true when it was the last of its topic that did.
    pub(crate) fn is_whole(&self, topic: &str, lease: &str) -> bool {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lanes) = missing.get_mut(topic) else { return false };
        let last = lanes.remove(lease) && lanes.is_empty();
        if lanes.is_empty() {
            missing.remove(topic);
        }
        last
    }
}
