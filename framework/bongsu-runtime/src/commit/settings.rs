//! How an instance runs.

use std::sync::Arc;

/// How an instance runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names the instance: a process started in the same slot takes over at once.
    pub slot: String,
    /// Partitions of every topic; the same in all services of a system, and never changed.
    pub partitions: u32,
    /// Activities in work at once in this instance.
    pub activity_concurrency: usize,
    /// Longest pause between two attempts of anything that is retried.
    pub retry_cap_ms: i64,
    /// How long the broker keeps the context's facts; `None`: for ever, or as it was said before.
    pub retention_ms: Option<u64>,
    /// How many bytes of them it keeps at least in each partition; `None`: all, or as it was said before.
    pub retention_bytes: Option<u64>,
    /// Bytes of states and documents an instance remembers at most, by estimate.
    pub cache_bytes: usize,
    /// Names the build. A snapshot whose schema no author gave is used by the build that wrote it alone, so two builds
    /// that may fold differently must not have one name.
    pub build: String,
    /// The name of the configuration it decides under, kept with every event; `None`: it has none.
    pub revision: Option<Arc<str>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slot: "1".into(),
            // Can never be changed, so more than the instances a service has today; each costs a lease and a task.
            partitions: 8,
            // Each is a request to the outside: enough to hide its latency, too few to overrun whoever is asked.
            activity_concurrency: 32,
            // What failed is back this soon after its cause is gone, and asks for little while it is not.
            retry_cap_ms: 5_000,
            retention_ms: None,
            retention_bytes: None,
            // Tens of thousands of states of a few kilobytes, on a machine that runs a dozen services.
            cache_bytes: 64 << 20,
            build: "unnamed".into(),
            revision: None,
        }
    }
}
