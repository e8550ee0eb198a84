//! How an instance runs.

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
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slot: "1".into(),
            partitions: 8,
            activity_concurrency: 32,
            retry_cap_ms: 5_000,
            retention_ms: None,
            retention_bytes: None,
            cache_bytes: 64 << 20,
            build: "unnamed".into(),
        }
    }
}
