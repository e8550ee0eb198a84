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
        broker::{Batch, BrokerError, FETCH_BYTES, Partition},
        env::Task,
    },
    records::lease::Resource,
    relay::topics,
};

/// How long the broker holds a fetch open that has nothing: one request a second of an idle consumer. News end it at once.
const FETCH_WAIT: Duration = Duration::from_millis(1_000);

/// What the tasks of one consumer share.
pub(crate) struct Reading {
    pub(crate) core: Arc<Core>,
    pub(crate) consumer: Arc<dyn Consumer>,
    /// Rung when a partition is to be asked for that was not, or from elsewhere.
    pub(crate) asks: Notify,
    /// Lanes of which history is missing, by topic: said once for all of a topic.
    missing: Mutex<BTreeMap<String, BTreeSet<u32>>>,
}

/// A partition that is read here.
struct Open {
    mailbox: Arc<Mailbox>,
    /// Dropping it ends the lane.
    _task: Box<dyn Task>,
}

pub(crate) async fn run(core: Arc<Core>, consumer: Arc<dyn Consumer>) {
    let asks = Notify::new();
    let missing = Mutex::default();
    let reading = Arc::new(Reading { core: core.clone(), consumer, asks, missing });
    let mut lanes = BTreeMap::new();
    let mut opened_at = None;
    let mut pauses = 0_u32;
    loop {
        let (changed, asked) = (core.leases.changed.notified().fuse(), reading.asks.notified().fuse());
        pin_mut!(changed, asked);
        let changes = core.leases.changes();
        if opened_at != Some(changes) {
            reading.open_and_close(&mut lanes);
            opened_at = Some(changes);
        }
        let asks: Vec<Ask<'_>> = lanes.iter().filter_map(ask).collect();
        let want: Vec<_> = asks.iter().map(|ask| (ask.partition.clone(), ask.from)).collect();
        if want.is_empty() {
            let nap = core.env.sleep(FETCH_WAIT).fuse();
            pin_mut!(nap);
            select_biased! { () = changed => {}, () = asked => {}, () = nap => {} }
            continue;
        }
        let fetch = core.broker.fetch(want, FETCH_BYTES, FETCH_WAIT).fuse();
        pin_mut!(fetch);
        let fetched = select_biased! { batch = fetch => batch, () = changed => continue, () = asked => continue };
        match fetched {
            Ok(batch) => {
                pauses = 0;
                core.partings.learn(&batch.partings);
                deliver(&asks, batch);
            }
            Err(BrokerError::Gone { topic, index, asked, earliest, .. }) => {
                if let Some(open) = lanes.get(&Partition { topic, index }) {
                    open.mailbox.gone(asked, earliest);
                }
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

/// What is asked for a lane.
struct Ask<'l> {
    partition: &'l Partition,
    from: u64,
    mailbox: &'l Mailbox,
}

/// What a lane has asked for, if there is room for it.
fn ask<'l>((partition, open): (&'l Partition, &'l Open)) -> Option<Ask<'l>> {
    Some(Ask { partition, from: open.mailbox.wants()?, mailbox: &open.mailbox })
}

/// Puts each partition's share where its lane finds it. A share of nothing still says whose history it is.
fn deliver(asks: &[Ask<'_>], batch: Batch) {
    let mut shares: BTreeMap<_, _> = batch.messages.into_iter().collect();
    for Ask { partition, from, mailbox } in asks {
        mailbox.put(*from, batch.log, shares.remove(*partition).unwrap_or_default());
    }
}

impl Reading {
    /// Starts a lane for each lease that was won, and ends those whose lease was lost.
    fn open_and_close(self: &Arc<Self>, lanes: &mut BTreeMap<Partition, Open>) {
        let held = self.core.leases.partitions(self.consumer.name());
        lanes.retain(|partition, _| {
            let keep = held.contains(partition);
            if !keep {
                self.core.health.goes_on(&self.lease(partition));
                self.is_whole(partition);
            }
            keep
        });
        for partition in held {
            if lanes.contains_key(&partition) {
                continue;
            }
            let mailbox = Arc::new(Mailbox::default());
            let (reading, to, of) = (self.clone(), mailbox.clone(), partition.clone());
            let task = keep_running(&self.core, "lane", move |_| {
                Box::pin(Reader::new(reading.clone(), to.clone(), of.clone()).run())
            });
            lanes.insert(partition, Open { mailbox, _task: task });
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

    /// The lease under which a partition is read.
    pub(crate) fn lease(&self, partition: &Partition) -> Resource {
        Resource::lane(self.consumer.name(), partition)
    }

    /// Notes that a lane misses history; true when it is the first of its topic.
    pub(crate) fn is_cut(&self, Partition { topic, index }: &Partition) -> bool {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let lanes = missing.entry(topic.clone()).or_default();
        let first = lanes.is_empty();
        lanes.insert(*index);
        first
    }

    /// Notes that a lane misses nothing; true when it was the last of its topic that did.
    pub(crate) fn is_whole(&self, Partition { topic, index }: &Partition) -> bool {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lanes) = missing.get_mut(topic) else { return false };
        let last = lanes.remove(index) && lanes.is_empty();
        if lanes.is_empty() {
            missing.remove(topic);
        }
        last
    }
}
