//! The state machine, told the time and what became of each call.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::rules::Rules;
use crate::shown::{Kind, Shown};
use crate::window::{Figures, Window};

/// How a call failed, its retries included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No instance took the connection.
    Refused,
    /// The connection broke.
    Lost,
    /// What came was no HTTP.
    Garbage,
    /// No answer in the time that was given.
    Late,
    /// An answer that is a failure.
    Status(u16),
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The service is well: it answered, a refusal included.
    Answered,
    /// It is not well.
    Failed(Fault),
    /// It says nothing about the service.
    Nothing,
}

/// Leave to make a call; to be given back with what became of it.
#[derive(Debug)]
pub struct Pass {
    epoch: u64,
    lease: Option<u64>,
    was_slow: bool,
}

/// Why a call is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// It is open, for so long.
    Open(Duration),
    /// Too many calls are not answered yet.
    Full,
}

/// A change of state, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing passes.
    Opened {
        /// For this reason.
        why: String,
        /// For so long.
        open: Duration,
    },
    /// A few calls try.
    HalfOpened,
    /// Everything passes again.
    Closed,
}

/// What an operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Force {
    /// Nothing passes.
    Open,
    /// Everything passes.
    Closed,
}

/// One breaker. Moments are counted from whenever its owner began to count, by a clock that never jumps.
#[derive(Debug)]
pub struct Breaker {
    state: State,
    since: Duration,
    /// Rises with every change of state.
    epoch: u64,
    window: Window,
    in_a_row: u32,
    /// Attempts that broke since one was answered, also those that were made again.
    broken_in_a_row: u32,
    /// How often it opened since it was closed.
    openings: u32,
    /// What an operator wants, and until when.
    forced: Option<(Force, Duration)>,
    why: Option<String>,
    unanswered: usize,
    opened: u64,
    refused: u64,
    change: Option<Change>,
}

#[derive(Debug)]
enum State {
    Closed,
    Open { until: Duration },
    HalfOpen { leases: Leases, passed: u32 },
}

/// Those that are out: number and end.
#[derive(Debug, Default)]
struct Leases {
    out: Vec<(u64, Duration)>,
    given: u64,
}

impl Breaker {
    /// A closed one.
    pub fn new(rules: &Rules, now: Duration) -> Self {
        Self {
            state: State::Closed,
            since: now,
            epoch: 0,
            window: Window::new(rules.window(), now),
            in_a_row: 0,
            broken_in_a_row: 0,
            openings: 0,
            forced: None,
            why: None,
            unanswered: 0,
            opened: 0,
            refused: 0,
            change: None,
        }
    }

    /// Whether a call may be made.
    pub fn admit(&mut self, rules: &Rules, now: Duration) -> Result<Pass, Shut> {
        self.advance(rules, now);
        let lease = match &mut self.state {
            _ if self.unanswered >= rules.at_once => Err(Shut::Full),
            State::Closed => Ok(None),
            State::Open { until } => Err(Shut::Open(until.saturating_sub(now))),
            State::HalfOpen { leases, passed } => {
                leases.give(rules.probes.saturating_sub(*passed), rules.lease(), now).map(Some)
            }
        };
        match lease {
            Ok(lease) => {
                self.unanswered += 1;
                Ok(Pass { epoch: self.epoch, lease, was_slow: false })
            }
            Err(shut) => {
                self.refused += 1;
                Err(shut)
            }
        }
    }

    /// Whether a call would not be let through now.
    pub fn is_shut(&mut self, rules: &Rules, now: Duration) -> bool {
        self.advance(rules, now);
        let is_shut = match &self.state {
            State::Closed => false,
            State::Open { .. } => true,
            State::HalfOpen { leases, passed } => leases.are_out(rules.probes.saturating_sub(*passed), now),
        };
        is_shut || self.unanswered >= rules.at_once
    }

    /// The service has had the whole request for too long. Said while the call goes on: one that hangs counts before it ends.
    pub fn slow(&mut self, rules: &Rules, pass: &mut Pass, now: Duration) {
        if pass.was_slow || pass.epoch != self.epoch {
            return;
        }
        pass.was_slow = true;
        match self.state {
            State::HalfOpen { .. } if rules.slow_percent > 0 => {
                self.open(rules, format!("a probe took longer than {} ms", rules.slow_ms), now);
            }
            State::HalfOpen { .. } | State::Open { .. } => {}
            State::Closed => {
                self.window.add(Figures { slow: 1, ..Figures::CALL }, now);
                self.judge(rules, None, now);
            }
        }
    }

    /// An attempt broke; whether it makes sense to make it again, as far as the others of late say.
    pub fn broke(&mut self, rules: &Rules, pass: &Pass) -> bool {
        self.broken_in_a_row = self.broken_in_a_row.saturating_add(1);
        let in_doubt = rules.consecutive > 0 && self.broken_in_a_row >= rules.consecutive;
        pass.lease.is_none() && pass.epoch == self.epoch && !in_doubt
    }

    /// What became of a call.
    pub fn settle(&mut self, rules: &Rules, pass: &Pass, outcome: Outcome, now: Duration) {
        self.unanswered = self.unanswered.saturating_sub(1);
        if outcome == Outcome::Answered {
            self.broken_in_a_row = 0;
        }
        if pass.epoch != self.epoch {
            return;
        }
        match &mut self.state {
            State::Closed => self.count(rules, pass, outcome, now),
            State::Open { .. } => {}
            State::HalfOpen { leases, passed } => {
                leases.out.retain(|(number, _)| Some(*number) != pass.lease);
                match outcome {
                    Outcome::Answered => {
                        *passed += 1;
                        if *passed >= rules.probes {
                            self.close(rules, now);
                        }
                    }
                    Outcome::Failed(fault) => self.open(rules, format!("a probe failed: {fault}"), now),
                    Outcome::Nothing => {}
                }
            }
        }
    }

    /// Open or closed until then, whatever happens; `None`: by itself again.
    pub fn force(&mut self, rules: &Rules, force: Option<Force>, until: Duration, now: Duration) {
        let was_open = matches!(self.forced, Some((Force::Open, _)));
        self.forced = force.map(|force| (force, until));
        match force {
            Some(Force::Open) => {
                self.why = Some("an operator wants it so".to_owned());
                self.turn(State::Open { until }, now);
            }
            Some(Force::Closed) => self.close(rules, now),
            None if was_open => self.half_open(now),
            None => {}
        }
    }

    /// What there is for the log since the last time.
    pub fn take_change(&mut self) -> Option<Change> {
        self.change.take()
    }

    /// How it is now; `of` says what it is for.
    pub fn show<D>(&mut self, rules: &Rules, of: D, now: Duration) -> Shown<D> {
        self.advance(rules, now);
        let figures = self.window.sum(now);
        let ends = match (&self.state, self.forced) {
            (_, Some((_, until))) => Some(until),
            (State::Open { until }, None) => Some(*until),
            _ => None,
        };
        Shown {
            of,
            state: self.kind(),
            forced: self.forced.is_some(),
            for_ms: millis(now.saturating_sub(self.since)),
            left_ms: ends.map(|ends| millis(ends.saturating_sub(now))),
            why: self.why.clone(),
            calls: figures.calls,
            failed: figures.failed,
            slow: figures.slow,
            in_a_row: self.in_a_row,
            unanswered: self.unanswered,
            opened: self.opened,
            refused: self.refused,
        }
    }

    fn kind(&self) -> Kind {
        match self.state {
            State::Closed => Kind::Closed,
            State::Open { .. } => Kind::Open,
            State::HalfOpen { .. } => Kind::HalfOpen,
        }
    }

    /// What time alone changes.
    fn advance(&mut self, rules: &Rules, now: Duration) {
        if let Some((Force::Closed, _)) = self.forced.take_if(|(_, until)| *until <= now) {
            // What happened meanwhile was let pass, and is not held against it now.
            self.forget(rules, now);
        }
        if matches!(self.state, State::Open { until } if until <= now) {
            self.half_open(now);
        }
    }

    fn count(&mut self, rules: &Rules, pass: &Pass, outcome: Outcome, now: Duration) {
        let fault = match outcome {
            Outcome::Nothing => return,
            Outcome::Answered => None,
            Outcome::Failed(fault) => Some(fault),
        };
        // One that was slow is among the calls already.
        let calls = u32::from(!pass.was_slow);
        self.window.add(Figures { calls, failed: u32::from(fault.is_some()), slow: 0 }, now);
        self.in_a_row = if fault.is_some() { self.in_a_row.saturating_add(1) } else { 0 };
        if fault.is_some() {
            self.judge(rules, fault, now);
        }
    }

    /// Opens it if there is a reason.
    fn judge(&mut self, rules: &Rules, fault: Option<Fault>, now: Duration) {
        if self.forced.is_some() {
            return;
        }
        let Figures { calls, failed, slow } = self.window.sum(now);
        let is_share = |part: u32, percent: u32| {
            percent > 0 && calls >= rules.least && u64::from(part) * 100 >= u64::from(calls) * u64::from(percent)
        };
        let last = fault.map_or_else(String::new, |fault| format!("; the last: {fault}"));
        let in_a_row = self.in_a_row;
        if rules.consecutive > 0 && in_a_row >= rules.consecutive {
            self.open(rules, format!("{in_a_row} calls in a row failed{last}"), now);
        } else if is_share(failed, rules.failed_percent) {
            self.open(rules, format!("{failed} of {calls} calls failed{last}"), now);
        } else if is_share(slow, rules.slow_percent) {
            self.open(rules, format!("{slow} of {calls} calls took longer than {} ms", rules.slow_ms), now);
        }
    }

    fn open(&mut self, rules: &Rules, why: String, now: Duration) {
        let open = rules.open(self.openings);
        self.openings = self.openings.saturating_add(1);
        self.why = Some(why.clone());
        self.turn(State::Open { until: now + open }, now);
        self.change = Some(Change::Opened { why, open });
    }

    fn half_open(&mut self, now: Duration) {
        self.turn(State::HalfOpen { leases: Leases::default(), passed: 0 }, now);
        self.change = Some(Change::HalfOpened);
    }

    fn close(&mut self, rules: &Rules, now: Duration) {
        self.openings = 0;
        self.forget(rules, now);
        if !matches!(self.state, State::Closed) {
            self.change = Some(Change::Closed);
        }
        self.turn(State::Closed, now);
    }

    fn turn(&mut self, state: State, now: Duration) {
        self.opened += u64::from(matches!(state, State::Open { .. }));
        self.state = state;
        self.since = now;
        self.epoch += 1;
    }

    fn forget(&mut self, rules: &Rules, now: Duration) {
        self.window = Window::new(rules.window(), now);
        self.in_a_row = 0;
        self.broken_in_a_row = 0;
    }
}

impl Leases {
    /// Whether as many as that are out.
    fn are_out(&self, most: u32, now: Duration) -> bool {
        self.out.iter().filter(|(_, ends)| *ends > now).count() >= most as usize
    }

    /// One more for so long, if fewer than `most` are out; else how long until one ends.
    fn give(&mut self, most: u32, length: Duration, now: Duration) -> Result<u64, Shut> {
        self.out.retain(|(_, ends)| *ends > now);
        if self.out.len() >= most as usize {
            let first = self.out.iter().map(|(_, ends)| *ends).min().unwrap_or(now);
            return Err(Shut::Open(first.saturating_sub(now)));
        }
        self.given += 1;
        self.out.push((self.given, now + length));
        Ok(self.given)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Pass {
    /// Whether it tries for the others.
    pub fn is_probe(&self) -> bool {
        self.lease.is_some()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the connection was refused"),
            Self::Lost => f.write_str("the connection broke"),
            Self::Garbage => f.write_str("the answer was no HTTP"),
            Self::Late => f.write_str("no answer in time"),
            Self::Status(status) => write!(f, "the answer was {status}"),
        }
    }
}
