//! What can be chosen when a store is opened, and what it counts.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bongsu_runtime::{Metric, Value};

/// How a store behaves. `Options::default()` is right for a service.
#[derive(Clone)]
pub struct Options {
    /// Rings other instances on the same file after each group, and hears them. Without it they notice within
    /// 100 ms.
    pub doorbell: bool,
    /// Commits that may wait for the writer; more are refused as unavailable.
    pub queue: usize,
    /// Bytes of Commits that may wait for the writer.
    pub queue_bytes: usize,
    /// Commits in one transaction at most.
    pub group: usize,
    /// Reading threads, each with its own connection.
    pub readers: usize,
    /// How long to wait for another process that holds the file before answering unavailable.
    pub patience: Duration,
    /// Refuses to let the file grow beyond so many bytes, exactly as if the disk were full.
    pub max_bytes: Option<u64>,
    /// Size at which the write-ahead log is emptied even if readers must be waited for; without that, readers
    /// that never pause would let it grow for ever.
    pub log_bytes: u64,
    /// What to do when the outcome of a COMMIT cannot be known, with one line that says why. It must not return
    /// to a running service: a page that failed to reach the disk may be gone for good, whatever later calls
    /// say. By default the line goes to stderr and the process exits with 74.
    pub fatal: Arc<dyn Fn(&str) + Send + Sync>,
}

/// What a store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Transactions committed.
    pub groups: u64,
    /// Commits judged, whatever the verdict.
    pub commits: u64,
    /// Commits refused because a guard did not hold.
    pub refused: u64,
    /// Groups replayed one by one because of a content error.
    pub replays: u64,
    /// Commits answered unavailable after they were queued.
    pub unavailable: u64,
    /// Total time spent waiting for other processes that held the file.
    pub lock_wait: Duration,
    /// Reads answered.
    pub reads: u64,
}

/// The counters while they count.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) groups: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) replays: AtomicU64,
    pub(crate) unavailable: AtomicU64,
    pub(crate) lock_wait_us: AtomicU64,
    /// Waits by their length, see [`WAITS`].
    pub(crate) lock_waits: [AtomicU64; WAITS.len()],
    pub(crate) reads: AtomicU64,
}

/// Upper bounds of the buckets that waits for the file are counted in, in seconds.
pub(crate) const WAITS: [f64; 9] = [0.000_1, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.0, f64::INFINITY];

impl Default for Options {
    fn default() -> Self {
        Self {
            doorbell: true,
            queue: 4_096,
            queue_bytes: 64 << 20,
            group: 1_000,
            readers: 2,
            // A little less than the two seconds after which callers must have an answer.
            patience: Duration::from_millis(1_800),
            max_bytes: None,
            log_bytes: 32 << 20,
            fatal: Arc::new(|line| {
                eprintln!("{line}");
                std::process::exit(74); // EX_IOERR of sysexits.h
            }),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("doorbell", &self.doorbell)
            .field("queue", &self.queue)
            .field("queue_bytes", &self.queue_bytes)
            .field("group", &self.group)
            .field("readers", &self.readers)
            .field("patience", &self.patience)
            .field("max_bytes", &self.max_bytes)
            .field("log_bytes", &self.log_bytes)
            .finish_non_exhaustive()
    }
}

impl Tally {
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn waited(&self, how_long: Duration) {
        Self::add(&self.lock_wait_us, how_long.as_micros() as u64);
        let bucket = WAITS.iter().position(|bound| how_long.as_secs_f64() <= *bound);
        Self::add(&self.lock_waits[bucket.unwrap_or(WAITS.len() - 1)], 1);
    }

    /// The same for whoever watches, with what waits in the queues.
    pub(crate) fn metrics(&self, queued: usize, reading: usize) -> Vec<Metric> {
        let count = |counter: &AtomicU64| Value::Counter(counter.load(Ordering::Relaxed));
        let sum = Duration::from_micros(self.lock_wait_us.load(Ordering::Relaxed)).as_secs_f64();
        let waits = self.lock_waits.iter().map(|waits| waits.load(Ordering::Relaxed));
        let waits = Value::Histogram { sum, buckets: WAITS.into_iter().zip(waits).collect() };
        let (queued, reading) = (Value::Gauge(queued as i64), Value::Gauge(reading as i64));
        vec![
            Metric::new("bongsu_store_commits", "Commits judged, whatever the verdict.", count(&self.commits)),
            Metric::new("bongsu_store_refused", "Commits refused by a guard.", count(&self.refused)),
            Metric::new("bongsu_store_groups", "Transactions committed, of one or more Commits.", count(&self.groups)),
            Metric::new("bongsu_store_unavailable", "Commits answered unavailable.", count(&self.unavailable)),
            Metric::new("bongsu_store_reads", "Reads answered.", count(&self.reads)),
            Metric::new("bongsu_store_queue", "Commits that wait to be written.", queued),
            Metric::new("bongsu_store_read_queue", "Reads that wait.", reading),
            Metric::new("bongsu_store_lock_wait_seconds", "Waits for other instances that wrote.", waits),
        ]
    }

    pub(crate) fn counters(&self) -> Counters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            groups: get(&self.groups),
            commits: get(&self.commits),
            refused: get(&self.refused),
            replays: get(&self.replays),
            unavailable: get(&self.unavailable),
            lock_wait: Duration::from_micros(get(&self.lock_wait_us)),
            reads: get(&self.reads),
        }
    }
}
