//! One run from a seed to an outcome.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    faults::weather,
    kernel::{
        core::Core,
        log::Log,
        outcome::{Failure, Outcome},
        plan::Plan,
    },
    scenario::handle::Sim,
};

/// Runs a scenario under a seed until it returns or the run fails.
///
/// The scenario is a task of the world. Everything in it must come from the run: no other source of time, chance,
/// threads or I/O, no iteration over a `HashMap`, `select!` only `biased`.
pub fn run<T, S, F>(seed: u64, plan: Plan, scenario: S) -> Outcome<T>
where
    T: Send + 'static,
    S: FnOnce(Sim) -> F,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let core = Core::new(seed, plan.clone());
    let _logs = plan.logs.then(|| tracing::subscriber::set_default(Log::new(&core)));
    let ended: Arc<Mutex<Option<Result<T, Failure>>>> = Arc::default();
    let scenario = scenario(Sim::new(&core));
    let slot = ended.clone();
    weather::start(&core);
    let main = core.spawn(
        &core.world,
        "scenario",
        Box::pin(async move {
            let result = scenario.await;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }),
    );
    let (main, _) = main.expect("the world is alive");
    let driven = core.drive(main);
    let ended = ended.lock().unwrap_or_else(PoisonError::into_inner).take();
    let result = driven.and_then(|()| ended.unwrap_or_else(|| Err(Failure::Panic("no result".into()))));
    let result = result.and_then(|value| core.nothing_unseen().map(|()| value));
    let outcome = core.outcome(result, plan);
    core.clear();
    outcome
}

impl Core {
    /// Fails when a watching rule has looked at nothing.
    fn nothing_unseen(&self) -> Result<(), Failure> {
        let watching = self.watching();
        let state = self.lock();
        match watching.iter().find(|name| !state.stats.looked.contains_key(*name)) {
            Some(name) => Err(Failure::Rule(format!("{name}: looked at nothing"))),
            None => Ok(()),
        }
    }

    fn outcome<T>(&self, result: Result<T, Failure>, plan: Plan) -> Outcome<T> {
        let state = self.lock();
        let mut stats = state.stats.clone();
        stats.runs = 1;
        stats.steps = state.trace.steps;
        stats.time = Duration::from_nanos(state.now);
        stats.points = state.points();
        stats.mortal = state.mortal();
        Outcome { seed: self.seed, hash: state.trace.hash(), result, stats, trace: state.lines(), plan }
    }
}
