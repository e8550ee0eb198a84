//! How a service asks another, as its map declares it.

use std::time::Duration;

use bongsu_breaker::Rules;
use bytes::Bytes;

/// How one service asks another: how long, how many at once, what may be asked again, when it is left alone and what there is
/// instead.
///
/// ```
/// use bongsu_runtime::Asks;
/// use std::time::Duration;
/// let asks = Asks::within(Duration::from_millis(500)).at_once(16).again(2).instead(r#"{"items": []}"#);
/// assert_eq!(asks.complaint(), None);
/// assert!(Asks::within(Duration::ZERO).complaint().is_some());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Asks {
    pub(crate) deadline: Duration,
    pub(crate) again: u32,
    pub(crate) budget_percent: u32,
    pub(crate) knows_keys: bool,
    pub(crate) breaker: Rules,
    pub(crate) instead: Option<Bytes>,
}

/// Longest deadline: what takes longer is an activity.
const LONGEST: Duration = Duration::from_secs(60);
/// So many calls may be unanswered at once: with them a service that hangs holds an eighth of what the one that asks takes.
const AT_ONCE: usize = 64;
/// Whoever is back is asked again by then: three calls that try cost little inside a system.
const OPEN_AT_MOST_MS: u64 = 5_000;
/// Once: who breaks twice is likely to break a third time.
const AGAIN: u32 = 1;
/// Of a hundred calls so many may be made again, as at the gateway.
const BUDGET_PERCENT: u32 = 20;

impl Asks {
    /// Each call has so long, and less when whoever asks this service waits less. 64 calls at once, one that broke made again once
    /// if it may be, the breaker's rules those of a gateway with half the deadline as slow and 5 seconds as the longest it is open, nothing instead.
    pub fn within(deadline: Duration) -> Self {
        let slow_ms = u64::try_from(deadline.as_millis() / 2).unwrap_or(u64::MAX).max(1);
        // A probe is over by its deadline; until then nobody else is to try what hangs.
        let rules = Rules::default();
        let lease_ms = rules.lease_ms.max(slow_ms.saturating_mul(2));
        Self {
            deadline,
            again: AGAIN,
            budget_percent: BUDGET_PERCENT,
            knows_keys: false,
            breaker: Rules { slow_ms, at_once: AT_ONCE, open_at_most_ms: OPEN_AT_MOST_MS, lease_ms, ..rules },
            instead: None,
        }
    }

    /// So many calls may be unanswered; one more is refused at once.
    #[must_use]
    pub fn at_once(mut self, calls: usize) -> Self {
        self.breaker.at_once = calls;
        self
    }

    /// A call whose connection broke is made so often again, if nothing can be done twice by that and while not everything
    /// breaks.
    #[must_use]
    pub fn again(mut self, times: u32) -> Self {
        self.again = times;
        self
    }

    /// Of a hundred calls so many may be made again.
    #[must_use]
    pub fn budget_percent(mut self, percent: u32) -> Self {
        self.budget_percent = percent;
        self
    }

    /// It answers the same when an `Idempotency-Key` comes again, so that what has one may be asked again.
    #[must_use]
    pub fn knows_keys(mut self) -> Self {
        self.knows_keys = true;
        self
    }

    /// When it is left alone. Says also how many calls may be unanswered at once.
    #[must_use]
    pub fn breaker(mut self, rules: Rules) -> Self {
        self.breaker = rules;
        self
    }

    /// What is taken for its answer, with status 200, when there is none.
    #[must_use]
    pub fn instead(mut self, body: impl Into<Bytes>) -> Self {
        self.instead = Some(body.into());
        self
    }

    /// Why nobody can be asked like this, if so.
    pub fn complaint(&self) -> Option<String> {
        let (deadline, breaker) = (self.deadline, &self.breaker);
        if deadline < Duration::from_millis(1) || deadline > LONGEST {
            return Some(format!("a deadline is from 1 ms to {LONGEST:?}, not {deadline:?}"));
        }
        if breaker.at_once == 0 || breaker.probes == 0 {
            return Some("no call may be made".to_owned());
        }
        // More than all would be no bound.
        if self.budget_percent > 100 {
            return Some(format!("a budget is from 0 to 100 of a hundred, not {}", self.budget_percent));
        }
        breaker.nonsense()
    }
}
