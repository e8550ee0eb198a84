//! What a series of runs must have met at least once: what never happened was not tested.

use std::fmt;

use crate::kernel::outcome::Stats;

/// A list of endings and moments. Scenarios note them by [`Sim::reached`](crate::Sim::reached), code under test by
/// [`Env::sometimes`](bongsu_runtime::ports::env::Env::sometimes).
///
/// ```
/// use bongsu_sim::{Ledger, Plan, Sim, run};
/// let ledger = Ledger::of(["the door opens", "the door is stuck"]);
/// let outcome = run(1, Plan::calm(), |sim: Sim| async move { Ok(sim.reached("the door opens")) });
/// assert_eq!(ledger.settle(&outcome.stats).unwrap_err(), "never reached: the door is stuck");
/// assert!(ledger.show(&outcome.stats).to_string().contains("1  the door opens"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: Vec<&'static str>,
}

/// A ledger with the counts of a series of runs, one entry a line.
pub struct Shown<'a>(&'a Ledger, &'a Stats);

impl Ledger {
    /// A ledger of these entries.
    pub fn of(entries: impl IntoIterator<Item = &'static str>) -> Self {
        Self { entries: entries.into_iter().collect() }
    }

    /// Adds entries.
    #[must_use]
    pub fn and(mut self, entries: impl IntoIterator<Item = &'static str>) -> Self {
        self.entries.extend(entries);
        self
    }

    /// How many entries there are.
    ///
    /// # Errors
    /// Every entry that was never reached, and everything that was reached and is no entry.
    pub fn settle(&self, stats: &Stats) -> Result<u64, String> {
        let missed: Vec<_> = self.entries.iter().filter(|entry| !stats.reached.contains_key(*entry)).copied().collect();
        if !missed.is_empty() {
            return Err(format!("never reached: {}", missed.join(", ")));
        }
        match stats.reached.keys().find(|reached| !self.entries.contains(reached)) {
            Some(stray) => Err(format!("reached and not in the ledger: {stray}")),
            None => Ok(self.entries.len() as u64),
        }
    }

    /// The entries with their counts, to be printed.
    pub fn show<'a>(&'a self, stats: &'a Stats) -> Shown<'a> {
        Shown(self, stats)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ledger, stats) = self;
        let count = |entry| stats.reached.get(entry).copied().unwrap_or(0);
        ledger.entries.iter().try_for_each(|entry| writeln!(f, "{:>9}  {entry}", count(entry)))
    }
}
