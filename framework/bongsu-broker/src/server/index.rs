//! What is durable, as every request may see it: topics, the bounds of their partitions, a bell.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bongsu_runtime::ports::broker::{BrokerError, LogId, Standing, Topic};
use tokio::sync::watch;

/// Written by the writer after each commit, read by everybody.
pub(crate) struct Index {
    pub(crate) log: LogId,
    topics: RwLock<BTreeMap<String, Arc<Indexed>>>,
    producers: RwLock<BTreeMap<String, Standing>>,
    /// Rings after each commit that appended something.
    bell: watch::Sender<()>,
}

/// A topic.
pub(crate) struct Indexed {
    /// Its number in the file.
    pub(crate) id: i64,
    pub(crate) topic: Topic,
    pub(crate) bounds: Vec<Bound>,
    /// (milliseconds, bytes per partition); `topic` has what it began with.
    retention: RwLock<Retention>,
}

/// How long, and how many bytes of each partition.
pub(crate) type Retention = (Option<u64>, Option<u64>);

/// Where a partition begins and ends.
#[derive(Default)]
pub(crate) struct Bound {
    earliest: AtomicU64,
    end: AtomicU64,
}

impl Index {
    pub(crate) fn new(log: LogId) -> Self {
        Self { log, topics: RwLock::default(), producers: RwLock::default(), bell: watch::Sender::new(()) }
    }

    pub(crate) fn add(&self, topic: Arc<Indexed>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.insert(topic.topic.name.clone(), topic);
    }

    pub(crate) fn all(&self) -> Vec<Arc<Indexed>> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn topic(&self, name: &str) -> Result<Arc<Indexed>, BrokerError> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(name).cloned().ok_or_else(|| BrokerError::Invalid(format!("there is no topic {name}")))
    }

    /// Notes what is durable of services that publish.
    pub(crate) fn learn(&self, changed: impl Iterator<Item = (String, Standing)>) {
        self.producers.write().unwrap_or_else(PoisonError::into_inner).extend(changed);
    }

    /// What is known of a service that publishes.
    pub(crate) fn standing(&self, service: &str) -> Standing {
        self.producers.read().unwrap_or_else(PoisonError::into_inner).get(service).cloned().unwrap_or_default()
    }

    /// Where the histories of services parted, as it is answered: `{}` when none did.
    pub(crate) fn partings(&self) -> String {
        let producers = self.producers.read().unwrap_or_else(PoisonError::into_inner);
        let parted = producers.iter().filter(|(_, standing)| !standing.partings.is_empty());
        let parted: BTreeMap<&str, Vec<u64>> = parted
            .map(|(service, standing)| (&**service, standing.partings.iter().map(|parting| parting.position).collect()))
            .collect();
        serde_json::to_string(&parted).expect("names and numbers encode as JSON")
    }

    pub(crate) fn ring(&self) {
        self.bell.send_replace(());
    }

    pub(crate) fn listen(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }
}

impl Indexed {
    pub(crate) fn new(id: i64, topic: Topic, bounds: Vec<Bound>) -> Self {
        let retention = RwLock::new((topic.retention_ms, topic.retention_bytes));
        Self { id, topic, bounds, retention }
    }

    /// What is kept now.
    pub(crate) fn retention(&self) -> Retention {
        *self.retention.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_retention(&self, retention: Retention) {
        *self.retention.write().unwrap_or_else(PoisonError::into_inner) = retention;
    }

    /// A partition's bounds.
    pub(crate) fn bound(&self, index: u32) -> Result<&Bound, BrokerError> {
        let bound = self.bounds.get(index as usize);
        bound.ok_or_else(|| BrokerError::Invalid(format!("there is no partition {}/{index}", self.topic.name)))
    }

    /// Where a partition ends.
    ///
    /// # Errors
    /// [`BrokerError::Gone`] when `asked` is outside.
    pub(crate) fn end_after(&self, index: u32, asked: u64) -> Result<u64, BrokerError> {
        let (earliest, end) = self.bound(index)?.get();
        if (earliest..=end).contains(&asked) {
            return Ok(end);
        }
        Err(BrokerError::Gone { topic: self.topic.name.clone(), index, asked, earliest, end })
    }
}

impl Bound {
    pub(crate) fn new(earliest: u64, end: u64) -> Self {
        Self { earliest: AtomicU64::new(earliest), end: AtomicU64::new(end) }
    }

    /// (earliest, end). Both only grow, and `earliest` never passes an `end` read after it.
    pub(crate) fn get(&self) -> (u64, u64) {
        let earliest = self.earliest.load(Ordering::Acquire);
        (earliest, self.end.load(Ordering::Acquire))
    }

    pub(crate) fn set_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    pub(crate) fn set_earliest(&self, earliest: u64) {
        self.earliest.store(earliest, Ordering::Release);
    }
}
