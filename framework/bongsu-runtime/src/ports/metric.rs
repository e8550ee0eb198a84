//! A metric: what an instance or an adapter counts or measures.

/// One metric. Names follow Prometheus: base units, `bongsu_` in front, no `_total` (the exposition adds it).
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// `bongsu_store_commits`
    pub name: &'static str,
    /// What it says, in one sentence.
    pub help: &'static str,
    /// Which of several: names and values. All metrics of a name follow each other and have the same labels.
    pub labels: Vec<(&'static str, String)>,
    /// How much.
    pub value: Value,
}

/// The value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Only rises, from 0 at the start of the process.
    Counter(u64),
    /// Rises and falls.
    Gauge(i64),
    /// How often something took how long.
    Histogram {
        /// Sum of all, in the unit of the name.
        sum: f64,
        /// How many in each bucket: upper bound (the last is infinite) and number.
        buckets: Vec<(f64, u64)>,
    },
}

impl Metric {
    /// A metric that stands for itself.
    pub fn new(name: &'static str, help: &'static str, value: Value) -> Self {
        Self { name, help, labels: Vec::new(), value }
    }

    /// One of several.
    #[must_use]
    pub fn of(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((label, value.into()));
        self
    }
}
