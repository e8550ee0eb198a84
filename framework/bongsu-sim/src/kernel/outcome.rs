//! How a run ended: its figures, why it failed, and how both are read.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::kernel::plan::Plan;

/// How a run ended. The same seed, plan and scenario give the same outcome.
#[derive(Debug)]
pub struct Outcome<T> {
    /// The seed.
    pub seed: u64,
    /// Everything that happened, folded: scheduling decisions, time and steps.
    pub hash: u64,
    /// What the scenario returned, or why the run failed.
    pub result: Result<T, Failure>,
    /// Figures.
    pub stats: Stats,
    /// The last entries of the trace.
    pub trace: Vec<String>,
    /// The plan.
    pub plan: Plan,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A rule was broken, or saw nothing.
    Rule(String),
    /// The scenario gave up.
    Scenario(String),
    /// A task panicked.
    Panic(String),
    /// Nothing moves, or not enough: liveness.
    Stuck(String),
}

/// Figures of a run.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Runs that these figures are the sum of.
    pub runs: u64,
    /// Polls of tasks.
    pub polls: u64,
    /// Steps passed.
    pub steps: u64,
    /// Virtual time.
    pub time: Duration,
    /// Faults that happened, by kind and place. A fault that never fires over many seeds tests nothing.
    pub fired: BTreeMap<(&'static str, &'static str), u64>,
    /// How many things each rule looked at.
    pub looked: BTreeMap<&'static str, u64>,
    /// What was reached, see [`Sim::reached`](crate::Sim::reached).
    pub reached: BTreeMap<&'static str, u64>,
    /// How often each node passed each step: the places [`Plan::crash_at`](crate::Plan) can name.
    pub points: BTreeMap<(String, &'static str), u64>,
    /// At how many steps each node could have died: the places [`Plan::crash_on`](crate::Plan) can name.
    pub mortal: BTreeMap<String, u64>,
}

impl<T> Outcome<T> {
    /// What the scenario returned.
    ///
    /// # Panics
    /// With the whole report when the run failed.
    #[track_caller]
    pub fn expect(self, why: &str) -> T {
        let report = self.result.is_err().then(|| self.to_string());
        match (self.result, report) {
            (Ok(value), _) => value,
            (Err(failure), report) => panic!("{why}: {}", report.unwrap_or_else(|| failure.to_string())),
        }
    }

    /// How often a kind of fault happened, anywhere.
    pub fn fired(&self, kind: &str) -> u64 {
        self.stats.fired.iter().filter(|((fired, _), _)| *fired == kind).map(|(_, times)| times).sum()
    }
}

impl Stats {
    /// Adds the figures of another run.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.polls += other.polls;
        self.steps += other.steps;
        self.time += other.time;
        sum(&mut self.fired, &other.fired);
        sum(&mut self.looked, &other.looked);
        sum(&mut self.reached, &other.reached);
        sum(&mut self.points, &other.points);
        sum(&mut self.mortal, &other.mortal);
    }
}

fn sum<K: Ord + Clone>(all: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    more.iter().for_each(|(key, times)| *all.entry(key.clone()).or_default() += times);
}

/// The report: seed, failure, figures and trace.
impl<T> fmt::Display for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(_) => writeln!(f, "seed {} ended well", self.seed)?,
            Err(failure) => {
                writeln!(f, "seed {} failed: {failure}", self.seed)?;
                writeln!(f, "{}", self.plan)?;
                writeln!(f, "the last {} entries of the trace:", self.trace.len())?;
                self.trace.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
            }
        }
        writeln!(f, "trace hash {:016x}", self.hash)?;
        self.stats.fmt(f)
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, polls, steps, time, fired, looked, reached, .. } = self;
        writeln!(f, "runs {runs}, virtual time {time:?}, polls {polls}, steps {steps}")?;
        let of = |((kind, place), times): (&(&str, &str), &u64)| format!("{kind} {place} × {times}");
        writeln!(f, "faults: {}", fired.iter().map(of).collect::<Vec<_>>().join(", "))?;
        let of = |(what, count): (&&str, &u64)| format!("{what}: {count}");
        writeln!(f, "reached: {}", reached.iter().map(of).collect::<Vec<_>>().join(", "))?;
        write!(f, "looked at: {}", looked.iter().map(of).collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(what) => write!(f, "rule broken: {what}"),
            Self::Scenario(what) => write!(f, "scenario failed: {what}"),
            Self::Panic(what) => write!(f, "panic in {what}"),
            Self::Stuck(what) => write!(f, "stuck: {what}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self::Scenario(what)
    }
}

impl From<&str> for Failure {
    fn from(what: &str) -> Self {
        Self::Scenario(what.to_owned())
    }
}
