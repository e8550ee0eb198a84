//! What an instance counts and measures, for whoever watches it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    commit::core::Core,
    ports::metric::{Metric, Value},
    records::{
        cursor::{Cursor, cursor_key},
        generation::table,
        lease::Resource,
    },
};

/// Everything this instance has to say now. What cannot be learnt now (the broker is away) is left out.
pub(crate) async fn all(core: &Arc<Core>) -> Vec<Metric> {
    let get = |counter: &AtomicU64| Value::Counter(counter.load(Ordering::Relaxed));
    let ready = Value::Gauge(core.health.status().ready.into());
    let mut metrics = vec![
        Metric::new("bongsu_ready", "Whether this instance is ready.", ready),
        Metric::new("bongsu_leases_lost", "Leases another instance took over.", get(&core.leases.counts.leases_lost)),
        Metric::new(
            "bongsu_fenced_commits",
            "Commits refused because their lease was lost.",
            get(&core.leases.counts.fenced),
        ),
    ];
    metrics.extend(["lane", "todo", "relay"].map(|kind| {
        let held = Value::Gauge(core.leases.count(kind) as i64);
        Metric::new("bongsu_leases_held", "Leases this instance holds.", held).of("kind", kind)
    }));
    let (streams, docs) = core.cache().bytes();
    metrics.extend([("states", streams), ("documents", docs)].map(|(what, bytes)| {
        let bytes = Value::Gauge(i64::try_from(bytes).unwrap_or(i64::MAX));
        Metric::new("bongsu_cache_bytes", "What this instance remembers weighs, estimated.", bytes).of("what", what)
    }));
    metrics.extend(lags(core).await);
    metrics.extend(core.peers.metrics());
    metrics.extend(core.store.metrics());
    metrics
}

/// How many facts each consumer has yet to read, over all instances of the service.
async fn lags(core: &Arc<Core>) -> Vec<Metric> {
    let mut lags = Vec::new();
    let mut ends = BTreeMap::new();
    for topic in core.map.topics() {
        if let Ok(bounds) = core.broker.bounds(&topic).await {
            ends.insert(topic, bounds.partitions);
        }
    }
    for consumer in &core.map.consumers {
        for topic in consumer.topics() {
            let Some(partitions) = ends.get(&topic) else { continue };
            // A read model's cursors are those of the generation that is shown.
            let reader = match consumer.is_read_model() {
                true => core.shown(consumer.name()).await.ok().map(|(shown, _)| table(consumer.name(), shown)),
                false => Some(consumer.name().to_owned()),
            };
            let Some(reader) = reader else { continue };
            let keys = partitions.iter().map(|(partition, ..)| cursor_key(&reader, partition)).collect();
            let Ok(docs) = core.store.docs(keys).await else { continue };
            let behind = partitions.iter().zip(docs).map(|((partition, earliest, end), doc)| {
                let kept = doc.and_then(|doc| serde_json::from_slice::<Cursor>(&doc.data).ok());
                let lane = Resource::lane(consumer.name(), partition);
                // What is skipped moves the cursor only now and then; who reads the lane knows better.
                let next = kept.map_or(0, |cursor| cursor.offset).max(core.health.read_up_to(&lane));
                end.saturating_sub(next.max(*earliest))
            });
            let lag = Value::Gauge(behind.sum::<u64>() as i64);
            let metric = Metric::new("bongsu_lane_lag", "Facts a consumer has yet to read.", lag);
            lags.push(metric.of("consumer", consumer.name()).of("topic", topic));
        }
    }
    lags
}
