//! What every part of a running service shares.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use tokio::sync::{Notify, Semaphore};

use crate::{
    ask::peers::Peers,
    commit::{
        cache::Cache, due::Due, generations::Generations, health::Health, leases::Leases, map::Map, partings::Partings,
        rules::Rules, seats::Feed, settings::Settings, turns::Turns, verdicts::Verdicts, waiters::Waiters,
        wanted::Wanted,
    },
    ports::{
        broker::Broker,
        env::{Env, HttpClient},
        store::Store,
    },
};

pub(crate) struct Core {
    pub(crate) map: Map,
    /// By which commands are decided now: taken out of the map, because a configuration may exchange them.
    pub(crate) rules: Mutex<Arc<Rules>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) http: Arc<dyn HttpClient>,
    /// Other services, as the map says that they are asked.
    pub(crate) peers: Peers,
    pub(crate) settings: Settings,
    pub(crate) leases: Leases,
    pub(crate) health: Health,
    /// Whether this store's history is the one that was published.
    pub(crate) histories: Verdicts,
    /// Where the histories of services parted.
    pub(crate) partings: Partings,
    /// Which generation of each read model is believed to be shown.
    pub(crate) generations: Generations,
    /// When to-dos are due.
    pub(crate) due: Due,
    /// Rung when a read model is to be rebuilt.
    pub(crate) rebuilds: Notify,
    /// Units submitted so far: who works in the background gives way while it grows.
    pub(crate) submitted: AtomicU64,
    pub(crate) cache: Mutex<Cache>,
    /// Who follows a stream.
    pub(crate) feed: Feed,
    /// Who waits for a read model.
    pub(crate) waiters: Waiters,
    /// Streams that are folded from their beginning: each by one at a time.
    pub(crate) folding: Turns,
    /// Places for those who fold the past of a stream.
    pub(crate) past: Semaphore,
    /// Snapshots to be written in the background.
    pub(crate) wanted: Wanted,
}

/// Before jitter: about what one write takes, so that who was overtaken comes after the one that overtook it.
const SHORTEST_MS: u64 = 5;
/// Before jitter: whoever waits for a store that is back notices it before a person does.
const LONGEST_MS: u64 = 500;
/// After so many doublings the longest is reached.
const DOUBLINGS: u32 = 7;

impl Core {
    /// The attempt whose pause bridges a store that is away for a moment: 20 to 40 ms.
    pub(crate) const AWAY: u32 = 3;

    /// How long to wait before the n-th further attempt: doubling from 5 ms to half a second, with jitter.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let most = (SHORTEST_MS << attempt.min(DOUBLINGS)).min(LONGEST_MS);
        Duration::from_millis(most / 2 + self.env.random() % (most / 2 + 1))
    }

    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
