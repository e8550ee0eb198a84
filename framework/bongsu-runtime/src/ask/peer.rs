//! Asks another service: as long as somebody waits for it, through its breaker, again where that does no harm.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bongsu_breaker::{Fault, Outcome, Shut};
use futures::future::{Either, select};

use crate::{
    ask::{
        asks::Asks,
        budget::Budget,
        measure::Counts,
        question::{Answered, Behalf, Question, Unanswered},
        ticket::{Gate, Ticket},
    },
    ports::env::{Env, HttpClient, HttpError, HttpResponse},
};

/// What the answer's way back and what is made of it may take: so much less is given to whoever is asked.
const MARGIN: Duration = Duration::from_millis(10);
/// What an answer of the map's own has for a status: it is as good as one of the other side.
const OK: u16 = 200;
/// Between a call that broke and the next attempt, with as much by chance: an instance that is gone is known to be by then.
const PAUSE_MS: u64 = 10;

/// Another service, to be asked. Cheap to clone; all of one name share their breaker and their places.
#[derive(Clone)]
pub struct Peer {
    pub(crate) name: &'static str,
    /// `None`: the map does not declare it.
    pub(crate) known: Option<Arc<Known>>,
}

/// One whom the map declares.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) asks: Asks,
    pub(crate) gate: Arc<Gate>,
    pub(crate) counts: Counts,
    budget: Mutex<Budget>,
    env: Arc<dyn Env>,
    http: Arc<dyn HttpClient>,
}

/// What one attempt came to.
type Attempted = Result<HttpResponse, HttpError>;

impl Peer {
    /// Whom it asks.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Asks on somebody's behalf, and says within the deadline what came of it.
    ///
    /// Dropping the future gives its place back; whether the other side acts is not known then.
    ///
    /// # Errors
    /// Why there is no answer, unless the map says what there is instead.
    pub async fn ask(&self, behalf: &Behalf, question: Question) -> Result<Answered, Unanswered> {
        let Some(known) = &self.known else { return Err(Unanswered::Undeclared) };
        let began = known.env.mono();
        let answered = known.ask(behalf, &question).await;
        known.counts.note(answered.as_ref().map(drop));
        match (answered, &known.asks.instead) {
            (Ok(response), _) => Ok(Answered::own(response.status, response.body)),
            (Err(why), instead) => {
                known.tell(&why, known.env.mono().saturating_sub(began));
                let body = instead.clone().ok_or_else(|| why.clone())?;
                known.counts.instead();
                Ok(Answered { status: OK, body, instead_of: Some(why) })
            }
        }
    }
}

impl Known {
    pub(crate) fn new(name: &'static str, asks: &Asks, env: &Arc<dyn Env>, http: &Arc<dyn HttpClient>) -> Self {
        Self {
            name,
            asks: asks.clone(),
            gate: Gate::new(name, asks.breaker.clone(), Arc::clone(env)),
            counts: Counts::default(),
            budget: Mutex::new(Budget::new()),
            env: Arc::clone(env),
            http: Arc::clone(http),
        }
    }

    async fn ask(&self, behalf: &Behalf, question: &Question) -> Result<HttpResponse, Unanswered> {
        let until = self.until(behalf).ok_or(Unanswered::NoTime)?;
        let mut ticket = self.gate.admit().map_err(|shut| match shut {
            Shut::Open(left) => Unanswered::Open(left),
            Shut::Full => Unanswered::Busy,
        })?;
        self.budget(|budget| budget.deposit(self.asks.budget_percent));
        // Who was given little time is not to blame for having been late.
        let is_fair = until.saturating_sub(self.env.mono()) * 2 >= self.asks.deadline;
        let answered = self.attempts(behalf, question, until, &mut ticket).await;
        ticket.settle(outcome(&answered, is_fair));
        match answered {
            Ok(response) if is_failure(response.status) => Err(Unanswered::Failed(response.status)),
            answered => answered,
        }
    }

    /// When the answer must be there, if there is time to ask at all.
    fn until(&self, behalf: &Behalf) -> Option<Duration> {
        let now = self.env.mono();
        let own = now + self.asks.deadline;
        let until = behalf.until.map_or(own, |until| until.saturating_sub(MARGIN).min(own));
        (until >= now + Duration::from_millis(1)).then_some(until)
    }

    async fn attempts(
        &self,
        behalf: &Behalf,
        question: &Question,
        until: Duration,
        ticket: &mut Ticket,
    ) -> Result<HttpResponse, Unanswered> {
        let mut left = if question.may_repeat(self.asks.knows_keys) { self.asks.again } else { 0 };
        let slow_at = self.env.mono() + self.asks.breaker.slow();
        loop {
            let time = until.saturating_sub(self.env.mono());
            if time < Duration::from_millis(1) {
                return Err(Unanswered::Late);
            }
            let request = question.request(self.name, behalf, time);
            let attempt =
                self.watched(self.http.send(request), slow_at, until, ticket).await.ok_or(Unanswered::Late)?;
            let why = match attempt {
                Ok(response) => return Ok(response),
                Err(_) if self.env.mono() >= until => return Err(Unanswered::Late),
                Err(HttpError(why)) => why,
            };
            if !ticket.broke() || left == 0 || !self.budget(Budget::withdraw) {
                return Err(Unanswered::Lost(why));
            }
            left -= 1;
            self.counts.again();
            self.env.sleep(Duration::from_millis(PAUSE_MS + self.env.random() % PAUSE_MS)).await;
        }
    }

    /// Waits for an attempt, and tells the breaker as soon as it is slow; `None` when the time is over, whoever was asked to
    /// look at it himself.
    async fn watched(
        &self,
        attempt: impl Future<Output = Attempted>,
        slow_at: Duration,
        until: Duration,
        ticket: &mut Ticket,
    ) -> Option<Attempted> {
        let mut attempt = pin!(attempt);
        if slow_at < until {
            let slow = self.env.sleep(slow_at.saturating_sub(self.env.mono()));
            match select(attempt.as_mut(), slow).await {
                Either::Left((attempted, _)) => return Some(attempted),
                Either::Right(_) => ticket.slow(),
            }
        }
        let end = self.env.sleep(until.saturating_sub(self.env.mono()));
        match select(attempt, end).await {
            Either::Left((attempted, _)) => Some(attempted),
            Either::Right(_) => None,
        }
    }

    fn budget<T>(&self, act: impl FnOnce(&mut Budget) -> T) -> T {
        act(&mut self.budget.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was not even asked is counted and not told: there would be a line for each while somebody is left alone.
    fn tell(&self, why: &Unanswered, took: Duration) {
        let asked = self.name;
        let ms = took.as_millis();
        match why {
            Unanswered::Late | Unanswered::Lost(_) | Unanswered::Failed(_) => {
                tracing::warn!(asked, ms, reason = %why, "a service that was asked gave no answer");
            }
            _ => tracing::debug!(asked, ms, reason = %why, "a service was not asked"),
        }
    }
}

/// Whether an answer says that whoever gave it is not well: what a gateway takes for that, too.
fn is_failure(status: u16) -> bool {
    // RFC 9110: Internal Server Error, Bad Gateway.
    matches!(status, 500 | 502) || is_perhaps_late(status)
}

/// Whether an answer may mean no more than that there was too little time.
fn is_perhaps_late(status: u16) -> bool {
    // RFC 9110: Service Unavailable, Gateway Timeout.
    matches!(status, 503 | 504)
}

/// What a call says about whoever was asked; being late, or a 503 or 504 that may mean as much, only where the time was fair.
fn outcome(answered: &Result<HttpResponse, Unanswered>, is_fair: bool) -> Outcome {
    let late = |fault| if is_fair { Outcome::Failed(fault) } else { Outcome::Nothing };
    match answered {
        Ok(HttpResponse { status, .. }) if is_perhaps_late(*status) => late(Fault::Status(*status)),
        Ok(HttpResponse { status, .. }) if is_failure(*status) => Outcome::Failed(Fault::Status(*status)),
        Ok(_) => Outcome::Answered,
        Err(Unanswered::Late) => late(Fault::Late),
        Err(_) => Outcome::Failed(Fault::Lost),
    }
}
