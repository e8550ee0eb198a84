//! A breaker over time, without a request.

use std::time::Duration;

use super::*;

const FAILED: Outcome = Outcome::Failed(Fault::Status(500));

/// A breaker and its clock.
struct Bench {
    rules: Rules,
    breaker: Breaker,
    now: Duration,
}

impl Bench {
    fn new(rules: Rules) -> Self {
        let now = Duration::from_secs(7);
        Self { breaker: Breaker::new(&rules, now), rules, now }
    }

    fn admit(&mut self) -> Result<Pass, Shut> {
        self.breaker.admit(&self.rules, self.now)
    }

    fn settle(&mut self, pass: &Pass, outcome: Outcome) {
        self.breaker.settle(&self.rules, pass, outcome, self.now);
    }

    /// A call that comes to that, if one may be made.
    fn call(&mut self, outcome: Outcome) -> bool {
        let Ok(pass) = self.admit() else { return false };
        self.settle(&pass, outcome);
        true
    }

    fn slow_call(&mut self) {
        let mut pass = self.admit().unwrap();
        self.breaker.slow(&self.rules, &mut pass, self.now);
        self.settle(&pass, Outcome::Answered);
    }

    fn pass_time(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    fn shown(&mut self) -> Shown<()> {
        self.breaker.show(&self.rules, (), self.now)
    }

    /// Opened by failures, and at the end of that.
    fn half_open(rules: Rules) -> Self {
        let mut bench = Self::new(rules);
        while bench.call(FAILED) {}
        bench.pass_time(bench.rules.open_ms);
        assert_eq!(bench.shown().state, Kind::HalfOpen);
        bench
    }
}

/// Numbers that are the same every time and look as if they were not (Knuth's MMIX generator).
fn chance(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

#[test]
fn failures_in_a_row_open_it_and_an_answer_between_them_does_not() {
    let mut bench = Bench::new(Rules { failed_percent: 0, ..Rules::default() });
    for _ in 0..100 {
        (0..4).for_each(|_| assert!(bench.call(FAILED)));
        assert!(bench.call(Outcome::Answered));
    }
    (0..5).for_each(|_| assert!(bench.call(FAILED)));
    assert_eq!(bench.admit().unwrap_err(), Shut::Open(Duration::from_secs(1)));
    assert_eq!(bench.shown().why.unwrap(), "5 calls in a row failed; the last: the answer was 500");
}

#[test]
fn a_share_of_failures_opens_it_only_when_there_were_enough_calls() {
    let mut bench = Bench::new(Rules { consecutive: 0, ..Rules::default() });
    for _ in 0..9 {
        assert!(bench.call(FAILED) && bench.call(Outcome::Answered));
    }
    assert!(bench.call(Outcome::Answered) && bench.call(FAILED));
    assert_eq!(bench.shown().why.unwrap(), "10 of 20 calls failed; the last: the answer was 500");
    assert!(!bench.call(Outcome::Answered));
}

#[test]
fn slow_calls_open_it_while_they_go_on() {
    let mut bench = Bench::new(Rules::default());
    let mut passes: Vec<Pass> = (0..20).map(|_| bench.admit().unwrap()).collect();
    for pass in &mut passes {
        bench.breaker.slow(&bench.rules, pass, bench.now);
        bench.breaker.slow(&bench.rules, pass, bench.now);
    }
    assert_eq!(bench.shown().why.unwrap(), "20 of 20 calls took longer than 5000 ms");
    assert_eq!(bench.shown().unanswered, 20);
    passes.iter().for_each(|pass| bench.settle(pass, Outcome::Answered));
    let shown = bench.shown();
    assert_eq!((shown.state, shown.unanswered), (Kind::Open, 0), "what began before says nothing");
}

#[test]
fn a_slow_call_that_fails_is_one_call() {
    let mut bench = Bench::new(Rules::default());
    let mut pass = bench.admit().unwrap();
    bench.breaker.slow(&bench.rules, &mut pass, bench.now);
    bench.settle(&pass, FAILED);
    let shown = bench.shown();
    assert_eq!((shown.calls, shown.failed, shown.slow), (1, 1, 1));
}

#[test]
fn what_says_nothing_about_the_service_never_opens_it() {
    let mut bench = Bench::new(Rules::default());
    for _ in 0..10_000 {
        assert!(bench.call(Outcome::Nothing));
    }
    (0..4).for_each(|_| assert!(bench.call(FAILED)));
    assert!(bench.call(Outcome::Nothing), "and it is no good answer either");
    assert!(bench.call(FAILED) && !bench.call(FAILED));
}

#[test]
fn whatever_the_order_twenty_failures_open_it_when_half_of_all_calls_fail() {
    for seed in 0..500 {
        let (mut bench, mut chance) = (Bench::new(Rules::default()), chance(seed));
        let (mut failed, mut answered) = (0, 0);
        while failed < 20 {
            bench.pass_time(chance(200));
            // Never more good answers than bad ones.
            let outcome = match chance(3) {
                0 => Outcome::Nothing,
                1 if answered < failed => Outcome::Answered,
                _ => FAILED,
            };
            if !bench.call(outcome) {
                break;
            }
            failed += u32::from(outcome == FAILED);
            answered += u32::from(outcome == Outcome::Answered);
        }
        assert!(!bench.call(Outcome::Answered), "seed {seed}: {failed} failed, {answered} answered");
    }
}

#[test]
fn half_open_lets_so_many_probes_in_and_closes_when_all_are_answered() {
    for probes in [1, 3, 7] {
        let mut bench = Bench::half_open(Rules { probes, ..Rules::default() });
        let passes: Vec<Pass> = (0..probes).map(|_| bench.admit().unwrap()).collect();
        assert!(passes.iter().all(Pass::is_probe));
        for pass in &passes {
            assert!(bench.admit().is_err(), "{probes}");
            bench.settle(pass, Outcome::Answered);
        }
        assert_eq!(bench.shown().state, Kind::Closed);
        assert!(!bench.admit().unwrap().is_probe());
    }
}

#[test]
fn one_probe_that_fails_opens_it_for_twice_as_long() {
    let mut bench = Bench::half_open(Rules::default());
    for seconds in [2, 4, 8, 16, 30, 30] {
        assert!(bench.call(Outcome::Answered) && bench.call(FAILED) && !bench.call(FAILED));
        bench.pass_time(seconds * 1_000 - 1);
        assert!(!bench.call(Outcome::Answered), "{seconds}");
        bench.pass_time(1);
    }
    (0..3).for_each(|_| assert!(bench.call(Outcome::Answered)));
    assert_eq!(bench.shown().state, Kind::Closed);
    (0..5).for_each(|_| assert!(bench.call(FAILED)));
    assert_eq!(bench.admit().unwrap_err(), Shut::Open(Duration::from_secs(1)), "it begins anew");
}

#[test]
fn a_slow_probe_opens_it_again() {
    let mut bench = Bench::half_open(Rules::default());
    bench.slow_call();
    assert_eq!(bench.shown().why.unwrap(), "a probe took longer than 5000 ms");
    assert!(!bench.call(Outcome::Answered));
}

#[test]
fn a_lost_probe_holds_up_the_others_only_until_its_lease_ends() {
    let mut bench = Bench::half_open(Rules { probes: 1, ..Rules::default() });
    let lost = bench.admit().unwrap();
    bench.pass_time(1_999);
    assert_eq!(bench.admit().unwrap_err(), Shut::Open(Duration::from_millis(1)));
    bench.pass_time(1);
    let next = bench.admit().unwrap();
    bench.settle(&lost, Outcome::Nothing);
    assert!(bench.admit().is_err(), "the lost one gives back its own lease and not the next one's");
    bench.settle(&next, Outcome::Answered);
    assert_eq!(bench.shown().state, Kind::Closed);
}

#[test]
fn a_probe_that_says_nothing_makes_room_for_another() {
    let mut bench = Bench::half_open(Rules { probes: 1, ..Rules::default() });
    for _ in 0..10 {
        assert!(bench.call(Outcome::Nothing));
        assert_eq!(bench.shown().state, Kind::HalfOpen);
    }
    assert!(bench.call(Outcome::Answered));
    assert_eq!(bench.shown().state, Kind::Closed);
}

#[test]
fn what_began_before_it_opened_neither_opens_nor_closes_it_later() {
    let mut bench = Bench::new(Rules::default());
    let early: Vec<Pass> = (0..100).map(|_| bench.admit().unwrap()).collect();
    (0..5).for_each(|_| assert!(bench.call(FAILED)));
    bench.pass_time(1_000);
    assert_eq!(bench.shown().state, Kind::HalfOpen);
    for (number, pass) in early.iter().enumerate() {
        bench.settle(pass, if number % 2 == 0 { Outcome::Answered } else { FAILED });
    }
    assert_eq!(bench.shown().state, Kind::HalfOpen);
    (0..3).for_each(|_| assert!(bench.call(Outcome::Answered)));
    assert_eq!(bench.shown().state, Kind::Closed);
}

#[test]
fn so_many_calls_may_be_unanswered_and_one_more_is_refused_at_once() {
    let mut bench = Bench::new(Rules { at_once: 2, ..Rules::default() });
    let hangs = [bench.admit().unwrap(), bench.admit().unwrap()];
    assert_eq!(bench.admit().unwrap_err(), Shut::Full);
    bench.settle(&hangs[0], Outcome::Nothing);
    assert!(bench.call(Outcome::Answered));
}

#[test]
fn when_everything_breaks_nothing_is_sent_again() {
    let mut bench = Bench::new(Rules::default());
    let pass = bench.admit().unwrap();
    let again: Vec<bool> = (0..6).map(|_| bench.breaker.broke(&bench.rules, &pass)).collect();
    assert_eq!(again, [true, true, true, true, false, false]);
    bench.settle(&pass, Outcome::Answered);
    let pass = bench.admit().unwrap();
    assert!(bench.breaker.broke(&bench.rules, &pass), "one that is answered ends the doubt");
    let mut bench = Bench::half_open(Rules::default());
    let probe = bench.admit().unwrap();
    assert!(!bench.breaker.broke(&bench.rules, &probe), "a probe is sent once");
}

#[test]
fn an_operator_may_hold_it_open_or_closed_for_a_while() {
    let mut bench = Bench::new(Rules::default());
    let minute = Duration::from_secs(60);
    bench.breaker.force(&bench.rules, Some(Force::Open), bench.now + minute, bench.now);
    assert_eq!(bench.admit().unwrap_err(), Shut::Open(minute));
    let shown = bench.shown();
    assert!(shown.forced && shown.left_ms == Some(60_000) && shown.why.unwrap() == "an operator wants it so");
    bench.pass_time(60_000);
    assert_eq!(bench.shown().state, Kind::HalfOpen, "a few try first");
    bench.breaker.force(&bench.rules, Some(Force::Closed), bench.now + minute, bench.now);
    (0..1_000).for_each(|_| assert!(bench.call(FAILED)));
    bench.pass_time(60_000);
    (0..4).for_each(|_| assert!(bench.call(FAILED), "what was let pass is not held against it"));
    assert!(bench.call(FAILED) && !bench.call(FAILED));
    assert!(!bench.shown().forced);
}

#[test]
fn by_itself_again_before_the_time_is_over() {
    let mut bench = Bench::new(Rules::default());
    let later = bench.now + Duration::from_secs(600);
    bench.breaker.force(&bench.rules, Some(Force::Open), later, bench.now);
    bench.breaker.force(&bench.rules, None, bench.now, bench.now);
    assert_eq!(bench.shown().state, Kind::HalfOpen);
    bench.breaker.force(&bench.rules, Some(Force::Closed), later, bench.now);
    bench.breaker.force(&bench.rules, None, bench.now, bench.now);
    (0..5).for_each(|_| assert!(bench.call(FAILED)));
    assert!(!bench.call(FAILED));
}

#[test]
fn every_change_is_told_once() {
    let mut bench = Bench::half_open(Rules { probes: 1, ..Rules::default() });
    assert_eq!(bench.breaker.take_change(), Some(Change::HalfOpened));
    assert!(bench.call(FAILED));
    let (why, open) = ("a probe failed: the answer was 500".to_owned(), Duration::from_secs(2));
    assert_eq!(bench.breaker.take_change(), Some(Change::Opened { why, open }));
    assert!(!bench.call(FAILED));
    assert_eq!(bench.breaker.take_change(), None);
}
