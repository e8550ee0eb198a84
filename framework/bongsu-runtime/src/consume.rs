//! One task per consumer: fetches for all the partitions this instance holds and hands each lane its share.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{FutureExt, pin_mut, select_biased};

use crate::{
    consumer::Consumer,
    core::Core,
    lane::{Lane, Stop},
    ports::broker::{Batch, BrokerError, Partition},
};

const FETCH_BYTES: u32 = 1 << 20;
const FETCH_WAIT: Duration = Duration::from_millis(1_000);

pub(crate) async fn run(core: Arc<Core>, consumer: Arc<dyn Consumer>) {
    let mut lanes: BTreeMap<String, Lane> = BTreeMap::new();
    let mut pauses = 0;
    loop {
        let changed = core.leases.changed.notified().fuse();
        pin_mut!(changed);
        open_and_close(&core, &consumer, &mut lanes).await;
        if lanes.is_empty() {
            let nap = core.env.sleep(FETCH_WAIT).fuse();
            pin_mut!(nap);
            select_biased! { () = changed => {}, () = nap => {} }
            continue;
        }
        let want = lanes.values().map(|lane| (lane.partition.clone(), lane.offset())).collect();
        let fetch = core.broker.fetch(want, FETCH_BYTES, FETCH_WAIT).fuse();
        pin_mut!(fetch);
        let fetched = select_biased! { batch = fetch => batch, () = changed => continue };
        match fetched {
            Ok(batch) => {
                pauses = 0;
                deliver(&core, &consumer, &mut lanes, batch).await;
            }
            Err(error) => {
                if pauses == 0 || matches!(error, BrokerError::Gone { .. }) {
                    tracing::warn!(consumer = consumer.name(), %error, "facts cannot be fetched");
                }
                core.env.sleep(core.pause(pauses)).await;
                pauses = (pauses + 1).min(20);
            }
        }
    }
}

/// Opens the lanes whose lease was won, drops those whose lease was lost.
async fn open_and_close(core: &Arc<Core>, consumer: &Arc<dyn Consumer>, lanes: &mut BTreeMap<String, Lane>) {
    let prefix = format!("lane/{}/", consumer.name());
    let held = core.leases.held(&prefix);
    lanes.retain(|lease, _| held.contains(lease));
    for lease in held {
        if lanes.contains_key(&lease) || core.health.is_halted(&lease) {
            continue;
        }
        let Some((topic, index)) = lease[prefix.len()..].rsplit_once('/') else { continue };
        let Ok(index) = index.parse() else { continue };
        let partition = Partition { topic: topic.to_owned(), index };
        match Lane::open(core, consumer.clone(), partition, lease.clone()).await {
            Ok(lane) => {
                core.health.progress(&lease, lane.offset());
                lanes.insert(lease, lane);
            }
            Err(error) => tracing::warn!(lease, %error, "a lane cannot be opened"),
        }
    }
}

async fn deliver(core: &Arc<Core>, consumer: &Arc<dyn Consumer>, lanes: &mut BTreeMap<String, Lane>, batch: Batch) {
    let log = batch.log;
    let mut messages: BTreeMap<Partition, _> = batch.messages.into_iter().collect();
    let work = lanes.iter_mut().map(|(lease, lane)| {
        let share = messages.remove(&lane.partition).unwrap_or_default();
        async move {
            let handled = if share.is_empty() { lane.rest(core).await } else { lane.handle(core, log, &share).await };
            core.health.progress(lease, lane.offset());
            (lease.clone(), handled)
        }
    });
    let stopped: Vec<_> = futures::future::join_all(work).await;
    for (lease, handled) in stopped {
        match handled {
            Ok(()) => {}
            Err(Stop::Later(error)) => {
                // Where it stands is no longer known: kept open, it would go on behind facts without effect.
                lanes.remove(&lease);
                tracing::warn!(consumer = consumer.name(), lease, %error, "facts cannot be handled now");
            }
            Err(Stop::Lost) => {
                lanes.remove(&lease);
            }
            Err(Stop::OtherLog) => {
                lanes.remove(&lease);
                tracing::error!(
                    consumer = consumer.name(),
                    lease,
                    "the broker's history was replaced: this lane stops; refill the broker with `bongsu republish`"
                );
                core.health.halt(&lease);
            }
        }
    }
}
