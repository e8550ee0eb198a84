//! Many runs: over seeds, over the places a node can die at, and over fewer faults once one has failed.

use std::future::Future;

use crate::{
    kernel::{
        outcome::{Failure, Outcome, Stats},
        plan::{CrashAt, Faults, Plan, PortFaults},
    },
    scenario::handle::Sim,
    search::run::run,
};

/// Every so many runs one is repeated, to see that it repeats itself.
const REPEAT: u64 = 100;

/// Runs a scenario under many seeds, each with the plan `plan` makes of it, until one fails. One in a hundred,
/// and the one that fails, run twice and must have the same trace hash; the second time with logs.
///
/// # Errors
/// The first run that failed: its report names the seed.
pub fn search<T, S, F>(
    seeds: impl IntoIterator<Item = u64>,
    plan: impl Fn(u64) -> Plan,
    scenario: S,
) -> Result<Stats, Box<Outcome<T>>>
where
    T: Send + 'static,
    S: Fn(Sim) -> F,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut all = Stats::default();
    for seed in seeds {
        let mut outcome = run(seed, plan(seed), &scenario);
        if outcome.result.is_err() || all.runs.is_multiple_of(REPEAT) {
            let hash = outcome.hash;
            let trace = plan(seed).trace;
            // Once more with everything to read: that costs nothing when it is a few runs.
            let again = run(seed, Plan { logs: true, trace: trace * 4, ..plan(seed) }, &scenario);
            let first = std::mem::replace(&mut outcome, again);
            if outcome.hash != hash {
                let was = first.result.as_ref().err().map(ToString::to_string).unwrap_or_default();
                let two = outcome.hash;
                let what = format!("the seed does not repeat itself: {hash:016x}, then {two:016x}; {was}");
                outcome.result = Err(Failure::Rule(what));
            }
        }
        if outcome.result.is_err() {
            return Err(Box::new(outcome));
        }
        all.add(&outcome.stats);
    }
    Ok(all)
}

/// Runs a scenario once, and then once for every step that any node passed in it, killing the node there: at its
/// first, second, middle and last time.
///
/// # Errors
/// The first run that failed: its plan names the place.
pub fn sweep<T, S, F>(seed: u64, plan: &Plan, scenario: S) -> Result<Stats, Box<Outcome<T>>>
where
    T: Send + 'static,
    S: Fn(Sim) -> F,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let first = run(seed, plan.clone(), &scenario);
    if first.result.is_err() {
        return Err(Box::new(first));
    }
    let mut all = first.stats.clone();
    for ((node, point), hits) in first.stats.points.into_iter().filter(|((node, _), _)| node != "world") {
        let mut hits = vec![1, 2.min(hits), hits.div_ceil(2), hits];
        hits.sort_unstable();
        hits.dedup();
        for hit in hits {
            let mut plan = plan.clone();
            plan.crash_at.push(CrashAt { node: Some(node.clone()), point: point.to_owned(), hit });
            let outcome = run(seed, plan, &scenario);
            if outcome.result.is_err() {
                return Err(Box::new(outcome));
            }
            all.add(&outcome.stats);
        }
    }
    Ok(all)
}

/// Takes faults out of the plan of a failed run one after another, as long as the seed still fails: what is left
/// is easier to read. The failure may become another one.
pub fn simplify<T, S, F>(failed: Outcome<T>, scenario: S) -> Outcome<T>
where
    T: Send + 'static,
    S: Fn(Sim) -> F,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut simplest = failed;
    for take_out in TAKE_OUT {
        let mut plan = simplest.plan.clone();
        take_out(&mut plan.faults, &Faults::none());
        if plan.faults == simplest.plan.faults {
            continue;
        }
        let outcome = run(simplest.seed, plan, &scenario);
        if outcome.result.is_err() {
            simplest = outcome;
        }
    }
    simplest
}

type TakeOut = fn(&mut Faults, &Faults);

/// Whole ports first, then what is left of them.
const TAKE_OUT: &[TakeOut] = &[
    |faults, none| faults.store = none.store.clone(),
    |faults, none| faults.broker = none.broker.clone(),
    |faults, none| faults.http = none.http.clone(),
    |faults, none| faults.asks = none.asks.clone(),
    |faults, none| (faults.crash, faults.crash_every) = (none.crash, none.crash_every),
    |faults, none| faults.pause_every = none.pause_every,
    |faults, none| faults.clock_every = none.clock_every,
    |faults, none| faults.lag = none.lag,
    |faults, none| faults.duplicate = none.duplicate,
    |faults, none| each_port(faults, |port| port.slow = none.store.slow),
    |faults, none| each_port(faults, |port| port.refused = none.store.refused),
    |faults, none| each_port(faults, |port| port.lost = none.store.lost),
    |faults, none| each_port(faults, |port| port.ack_lost = none.store.ack_lost),
    |faults, none| each_port(faults, |port| port.late = none.store.late),
    |faults, none| each_port(faults, |port| port.partial = none.store.partial),
    |faults, none| each_port(faults, |port| port.down_every = none.store.down_every),
];

fn each_port(faults: &mut Faults, mut change: impl FnMut(&mut PortFaults)) {
    [&mut faults.store, &mut faults.broker, &mut faults.http, &mut faults.asks].into_iter().for_each(&mut change);
}
