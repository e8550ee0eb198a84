//! The breaker of whoever is asked, and leave to make one call.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bongsu_breaker::{Breaker, Change, Outcome, Pass, Rules, Shown, Shut};

use crate::ports::env::Env;

/// One breaker with its rules and its clock.
pub(crate) struct Gate {
    name: &'static str,
    rules: Rules,
    env: Arc<dyn Env>,
    breaker: Mutex<Breaker>,
}

/// Leave to make one call. Let go without a word, it says nothing: whoever asked has hung up.
pub(crate) struct Ticket {
    gate: Arc<Gate>,
    pass: Option<Pass>,
}

impl Gate {
    pub(crate) fn new(name: &'static str, rules: Rules, env: Arc<dyn Env>) -> Arc<Self> {
        let breaker = Mutex::new(Breaker::new(&rules, env.mono()));
        Arc::new(Self { name, rules, env, breaker })
    }

    pub(crate) fn admit(self: &Arc<Self>) -> Result<Ticket, Shut> {
        let pass = self.with(|breaker, rules, now| breaker.admit(rules, now))?;
        Ok(Ticket { gate: Arc::clone(self), pass: Some(pass) })
    }

    pub(crate) fn show(&self) -> Shown<&'static str> {
        self.with(|breaker, rules, now| breaker.show(rules, self.name, now))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Breaker, &Rules, Duration) -> T) -> T {
        let mut breaker = self.lock();
        let now = self.env.mono();
        let done = act(&mut breaker, &self.rules, now);
        if let Some(change) = breaker.take_change() {
            let shown = breaker.show(&self.rules, self.name, now);
            drop(breaker);
            tell(change, &shown);
        }
        done
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// It takes too long.
    pub(crate) fn slow(&mut self) {
        if let Some(pass) = &mut self.pass {
            self.gate.with(|breaker, rules, now| breaker.slow(rules, pass, now));
        }
    }

    /// An attempt broke; whether it may be made again.
    pub(crate) fn broke(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| self.gate.with(|breaker, rules, _| breaker.broke(rules, pass)))
    }

    /// What became of the call.
    pub(crate) fn settle(mut self, outcome: Outcome) {
        self.give_back(outcome);
    }

    fn give_back(&mut self, outcome: Outcome) {
        if let Some(pass) = self.pass.take() {
            self.gate.with(|breaker, rules, now| breaker.settle(rules, &pass, outcome, now));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.give_back(Outcome::Nothing);
    }
}

/// Says once what has changed.
fn tell(change: Change, shown: &Shown<&'static str>) {
    let Shown { of, calls, failed, slow, unanswered, .. } = shown;
    match change {
        Change::Opened { why, open } => {
            tracing::warn!(asked = of, reason = why, ?open, calls, failed, slow, unanswered, "a breaker opens");
        }
        Change::HalfOpened => tracing::info!(asked = of, "a breaker is half-open"),
        Change::Closed => tracing::info!(asked = of, "a breaker closes"),
    }
}
