//! Crashes between any two steps: a scenario is run once to count the steps, then once for each place to die.

use std::{fmt, future::Future};

use crate::{
    kernel::{
        outcome::{Failure, Outcome, Stats},
        plan::{CrashOn, Plan},
    },
    scenario::handle::Sim,
    search::run::run,
};

/// What a series of crashes has covered.
#[derive(Clone, Debug, Default)]
pub struct Crashed {
    /// Places tried; two places of one run count as two.
    pub places: u64,
    /// Of these, how many the node reached and died at.
    pub hit: u64,
    /// Figures of all the runs.
    pub stats: Stats,
}

/// Places to die at, and the run without a crash that counted them.
pub type Counted<T> = (Vec<CrashOn>, Outcome<T>);

/// Every step at which a node can die in a scenario, in the order in which it passes them: run once, without a crash.
///
/// # Errors
/// The run failed.
pub fn crash_points<T, S, F>(seed: u64, plan: &Plan, scenario: S) -> Result<Counted<T>, Box<Outcome<T>>>
where
    T: Send + 'static,
    S: Fn(Sim) -> F,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let outcome = run(seed, plan.clone(), &scenario);
    if outcome.result.is_err() {
        return Err(Box::new(outcome));
    }
    let of = |(node, steps): (&String, &u64)| {
        (1..=*steps).map(|step| CrashOn { node: node.clone(), step }).collect::<Vec<_>>()
    };
    Ok((outcome.stats.mortal.iter().flat_map(of).collect(), outcome))
}

/// Runs a scenario once for each of these, with a crash at every place named in it. What a run does before its first
/// crash is what it did without one, so that a first place that was counted is always hit.
///
/// # Errors
/// The first run that failed, and one whose first place was not hit: its plan names the places.
pub fn crash_each<T, S, F>(
    seed: u64,
    plan: &Plan,
    places: impl IntoIterator<Item = Vec<CrashOn>>,
    scenario: S,
) -> Result<Crashed, Box<Outcome<T>>>
where
    T: Send + 'static,
    S: Fn(Sim) -> F,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut all = Crashed::default();
    for crash_on in places {
        let tried = crash_on.len() as u64;
        let mut outcome = run(seed, Plan { crash_on, ..plan.clone() }, &scenario);
        let hit = outcome.fired("crash");
        if hit == 0 && outcome.result.is_ok() {
            outcome.result = Err(Failure::Rule("no crash happened at the place that was counted".into()));
        }
        if outcome.result.is_err() {
            return Err(Box::new(outcome));
        }
        all.places += tried;
        all.hit += hit;
        all.stats.add(&outcome.stats);
    }
    Ok(all)
}

impl Crashed {
    /// Adds what another series has covered.
    pub fn add(&mut self, other: &Self) {
        self.places += other.places;
        self.hit += other.hit;
        self.stats.add(&other.stats);
    }
}

impl fmt::Display for Crashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} crash points tried in {} runs, {} hit", self.places, self.stats.runs, self.hit)
    }
}
