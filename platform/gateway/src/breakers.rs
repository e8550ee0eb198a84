//! The breakers of a gateway: one for every service and route that was asked, all by the same rules.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bongsu_breaker::{Breaker, Change, Force, Outcome, Pass, Rules, Shut};
use bongsu_host::TokioEnv;
use bongsu_runtime::ports::env::Env as _;
use tokio::time::Instant;

use crate::breaker::{Door, Shown};

mod held;

use held::{Held, HeldFile, Wish};

pub(crate) struct Breakers {
    /// Without them nothing is counted and everything passes.
    rules: Option<Rules>,
    known: Mutex<Known>,
    /// Moments are counted from here.
    began: Instant,
    /// Where what operators hold is written down; without it, it ends with the gateway.
    file: Option<Mutex<HeldFile>>,
    env: TokioEnv,
}

#[derive(Default)]
struct Known {
    breakers: HashMap<Door, Breaker>,
    /// What an operator wants of a service's breakers, also of those that are not there yet.
    forced: HashMap<String, (Force, Duration)>,
}

/// Leave to make one call. Let go without a word, it says nothing: the client hung up.
pub(crate) struct Ticket {
    breakers: Arc<Breakers>,
    door: Door,
    /// `None` when there are no rules, and when it was given back.
    pass: Mutex<Option<Pass>>,
}

impl Breakers {
    pub(crate) fn new(rules: Option<Rules>, held: Option<&Path>) -> Arc<Self> {
        let env = TokioEnv::new(None).expect("no crash point was asked for");
        let file = held.map(|path| Mutex::new(HeldFile::at(path)));
        let this = Arc::new(Self { rules, known: Mutex::default(), began: Instant::now(), file, env });
        this.hear();
        this
    }

    /// Whether there are any.
    pub(crate) fn are_on(&self) -> bool {
        self.rules.is_some()
    }

    /// From when on a call is slow.
    pub(crate) fn slow(&self) -> Option<Duration> {
        self.rules.as_ref().map(Rules::slow)
    }

    /// Whether a call may be made.
    pub(crate) fn admit(self: &Arc<Self>, door: Door) -> Result<Ticket, Shut> {
        let pass = self.with(&door, |breaker, rules, now| breaker.admit(rules, now)).transpose()?;
        Ok(Ticket { breakers: Arc::clone(self), door, pass: Mutex::new(pass) })
    }

    /// Whether a call would be refused now.
    pub(crate) fn is_shut(&self, door: &Door) -> bool {
        self.with(door, |breaker, rules, now| breaker.is_shut(rules, now)).unwrap_or(false)
    }

    /// All of them, by service and route.
    pub(crate) fn show(&self) -> Vec<Shown> {
        let Some(rules) = &self.rules else { return Vec::new() };
        let now = self.now();
        let mut known = self.lock();
        let mut all: Vec<Shown> = known
            .breakers
            .iter_mut()
            .map(|(door, breaker)| {
                let shown = breaker.show(rules, door.clone(), now);
                tell(door, breaker);
                shown
            })
            .collect();
        all.sort_by(|a, b| a.of.cmp(&b.of));
        all
    }

    /// Holds all breakers of a service open or closed for so long; `None`: no longer.
    pub(crate) fn force(&self, service: &str, force: Option<Force>, length: Duration) {
        self.hold(service, force, length);
        if let Some(file) = &self.file {
            let now_ms = self.env.wall_ms();
            let until_ms = now_ms.saturating_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX));
            let wish = force.map(|state| Wish { state, until_ms });
            locked(file).change(service, wish, now_ms);
        }
    }

    /// Does what was written down by another gateway, or by one before.
    pub(crate) fn hear(&self) {
        let Some(file) = self.file.as_ref().filter(|_| self.are_on()) else { return };
        let now_ms = self.env.wall_ms();
        let Some(held) = locked(file).news(now_ms) else { return };
        let gone: Vec<String> =
            self.lock().forced.keys().filter(|service| !held.contains_key(*service)).cloned().collect();
        gone.iter().for_each(|service| self.hold(service, None, Duration::ZERO));
        self.hold_all(&held, now_ms);
    }

    fn hold_all(&self, held: &Held, now_ms: i64) {
        for (service, wish) in held {
            let left_ms = wish.until_ms.saturating_sub(now_ms).unsigned_abs();
            tracing::warn!(service, force = ?wish.state, "the breakers of a service are held, as an operator said");
            self.hold(service, Some(wish.state), Duration::from_millis(left_ms));
        }
    }

    fn hold(&self, service: &str, force: Option<Force>, length: Duration) {
        let Some(rules) = &self.rules else { return };
        let now = self.now();
        let until = now + length;
        let mut known = self.lock();
        match force {
            Some(force) => known.forced.insert(service.to_owned(), (force, until)),
            None => known.forced.remove(service),
        };
        for (door, breaker) in known.breakers.iter_mut().filter(|(door, _)| door.service == service) {
            breaker.force(rules, force, until, now);
            tell(door, breaker);
        }
    }

    /// Keeps those of routes that are there.
    pub(crate) fn keep(&self, is_there: impl Fn(&Door) -> bool) {
        let mut known = self.lock();
        let now = self.now();
        known.breakers.retain(|door, _| is_there(door));
        known.forced.retain(|_, (_, until)| *until > now);
    }

    /// Does something with a door's breaker, which is made if need be; `None` when there are no rules.
    fn with<T>(&self, door: &Door, act: impl FnOnce(&mut Breaker, &Rules, Duration) -> T) -> Option<T> {
        let rules = self.rules.as_ref()?;
        let now = self.now();
        let mut known = self.lock();
        if !known.breakers.contains_key(door) {
            let mut breaker = Breaker::new(rules, now);
            if let Some(&(force, until)) = known.forced.get(&door.service).filter(|(_, until)| *until > now) {
                breaker.force(rules, Some(force), until, now);
            }
            known.breakers.insert(door.clone(), breaker);
        }
        let breaker = known.breakers.get_mut(door)?;
        let done = act(breaker, rules, now);
        tell(door, breaker);
        Some(done)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        locked(&self.known)
    }
}

impl Ticket {
    /// Whether it tries for the others: it is sent once.
    pub(crate) fn is_probe(&self) -> bool {
        self.lock().as_ref().is_some_and(Pass::is_probe)
    }

    /// The service takes too long.
    pub(crate) fn slow(&self) {
        if let Some(pass) = self.lock().as_mut() {
            self.breakers.with(&self.door, |breaker, rules, now| breaker.slow(rules, pass, now));
        }
    }

    /// An attempt broke; whether it may be made again.
    pub(crate) fn broke(&self) -> bool {
        match self.lock().as_ref() {
            Some(pass) => {
                self.breakers.with(&self.door, |breaker, rules, _| breaker.broke(rules, pass)).unwrap_or(true)
            }
            None => true,
        }
    }

    /// What became of the call.
    pub(crate) fn settle(self, outcome: Outcome) {
        self.give_back(outcome);
    }

    fn give_back(&self, outcome: Outcome) {
        if let Some(pass) = self.lock().take() {
            self.breakers.with(&self.door, |breaker, rules, now| breaker.settle(rules, &pass, outcome, now));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pass>> {
        self.pass.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.give_back(Outcome::Nothing);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says once what has changed.
fn tell(door: &Door, breaker: &mut Breaker) {
    let Door { service, route } = door;
    match breaker.take_change() {
        Some(Change::Opened { why, open }) => tracing::warn!(service, route, reason = why, ?open, "a breaker opens"),
        Some(Change::HalfOpened) => tracing::info!(service, route, "a breaker is half-open"),
        Some(Change::Closed) => tracing::info!(service, route, "a breaker closes"),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bongsu_breaker::{Fault, Kind};

    fn door(service: &str, route: &str) -> Door {
        Door { service: service.to_owned(), route: route.to_owned() }
    }

    fn fail(breakers: &Arc<Breakers>, door: &Door) -> bool {
        let Ok(ticket) = breakers.admit(door.clone()) else { return false };
        ticket.settle(Outcome::Failed(Fault::Lost));
        true
    }

    #[test]
    fn every_route_has_a_breaker_of_its_own() {
        let breakers = Breakers::new(Some(Rules::default()), None);
        let (bad, good) = (door("door", "/bad"), door("door", "/good"));
        while fail(&breakers, &bad) {}
        assert!(breakers.admit(good).is_ok());
        let shown: Vec<(String, Kind)> =
            breakers.show().into_iter().map(|shown| (shown.of.route, shown.state)).collect();
        assert_eq!(shown, [("/bad".to_owned(), Kind::Open), ("/good".to_owned(), Kind::Closed)]);
        breakers.keep(|door| door.route == "/good");
        assert_eq!(breakers.show().len(), 1);
    }

    #[test]
    fn a_ticket_that_is_let_go_says_nothing_and_leaves_nothing_behind() {
        let breakers = Breakers::new(Some(Rules::default()), None);
        for _ in 0..1_000 {
            drop(breakers.admit(door("door", "/*")).ok().unwrap());
        }
        let shown = breakers.show().remove(0);
        assert_eq!((shown.calls, shown.unanswered, shown.state), (0, 0, Kind::Closed));
    }

    #[test]
    fn what_is_off_lets_everything_pass_and_is_not_seen() {
        let breakers = Breakers::new(None, None);
        (0..100).for_each(|_| assert!(fail(&breakers, &door("door", "/*"))));
        assert_eq!(breakers.show(), []);
    }

    #[test]
    fn what_an_operator_wants_of_a_service_also_counts_for_routes_asked_later_and_for_no_other_service() {
        let breakers = Breakers::new(Some(Rules::default()), None);
        drop(breakers.admit(door("door", "/early")).ok().unwrap());
        breakers.force("door", Some(Force::Open), Duration::from_secs(60));
        for route in ["/early", "/late"] {
            assert!(breakers.admit(door("door", route)).is_err(), "{route}");
        }
        assert!(breakers.admit(door("bell", "/early")).is_ok());
        breakers.force("door", None, Duration::ZERO);
        for route in ["/early", "/late", "/later"] {
            assert!(breakers.admit(door("door", route)).is_ok(), "{route}");
        }
    }

    #[test]
    fn what_is_held_is_held_by_the_next_gateway_and_by_another_until_it_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("held.json");
        let open = || Breakers::new(Some(Rules::default()), Some(&file));
        let (one, other) = (open(), open());
        let passes = |breakers: &Arc<Breakers>| breakers.admit(door("door", "/*")).is_ok();
        one.force("door", Some(Force::Open), Duration::from_secs(60));
        one.force("bell", Some(Force::Closed), Duration::from_secs(60));
        assert!(!passes(&one) && passes(&other));
        other.hear();
        assert!(!passes(&other) && !passes(&open()), "another, and the next one");
        other.force("door", None, Duration::ZERO);
        one.hear();
        assert!(passes(&one) && passes(&open()));
        one.force("door", Some(Force::Open), Duration::ZERO);
        assert!(passes(&open()), "it is over");
        for garbage in ["", "{", "[]", r#"{"door":{"state":"ajar","until_ms":9}}"#, r#"{"door":1}"#] {
            std::fs::write(&file, garbage).expect("written");
            assert!(passes(&open()), "{garbage}");
        }
        one.hear();
        one.force("door", Some(Force::Open), Duration::from_secs(60));
        assert!(!passes(&open()), "garbage is written over");
        let nowhere = Breakers::new(Some(Rules::default()), Some(&folder.path().join("no/such/folder")));
        nowhere.force("door", Some(Force::Open), Duration::from_secs(60));
        assert!(!passes(&nowhere), "what cannot be written is done all the same");
    }
}
