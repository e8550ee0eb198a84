//! `kill -9` of somebody every 500 ms, and how long it takes until that one answers again.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use system_tests::{
    harness::{
        Mall, Process,
        http::Http,
        supervisor::{is_alive, signal},
        wait::{now, until},
    },
    mall::list_of,
};

use crate::chance::Chance;

/// Between two kills.
const EVERY: Duration = Duration::from_millis(500);
/// Whoever is not back by then is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a read of each part looks like from outside; a context is asked for its list.
const READS: [(&str, &str); 5] = [
    ("broker", "/topics"),
    ("gateway", "/health/ready"),
    ("identity", "/identity/jwks"),
    ("sandbox", "/behaviour"),
    ("shell", "/info"),
];

/// Chooses and kills.
pub(crate) struct Killer<'a> {
    mall: &'a Mall,
    chance: Chance,
    /// Who has not been killed yet: everybody is, once, in a random order, before anybody is again.
    unharmed: Option<Vec<String>>,
}

/// One kill.
struct Kill {
    instance: String,
    name: String,
    /// Until its first 2xx, however often it was killed again before that.
    back_after: Duration,
}

/// All of them.
pub(crate) struct Kills(Vec<Kill>);

impl<'a> Killer<'a> {
    pub(crate) fn new(mall: &'a Mall, chance: Chance) -> Self {
        Self { mall, chance, unharmed: None }
    }

    /// Kills until it is told that it is over, and everybody killed is back.
    pub(crate) fn until(mut self, over: &AtomicBool) -> Kills {
        let kills = Mutex::new(Vec::new());
        let http = &Http::new();
        thread::scope(|scope| {
            let mut next = now();
            while !over.load(Ordering::Acquire) {
                next += EVERY;
                let Some(victim) = self.choose() else { continue };
                let (mall, kills) = (self.mall, &kills);
                let pid = victim.pid.expect("only those are chosen who run");
                let killed = now();
                signal(pid, Signal::SIGKILL);
                until("the dead are dead", PATIENCE, || if is_alive(pid) { Err(pid.to_string()) } else { Ok(()) });
                scope.spawn(move || {
                    let back_after = back(mall, http, &victim) - killed;
                    let kill = Kill { instance: victim.instance, name: victim.name, back_after };
                    kills.lock().unwrap_or_else(PoisonError::into_inner).push(kill);
                });
                while let Some(rest) = next.checked_duration_since(now()).filter(|rest| !rest.is_zero()) {
                    thread::park_timeout(rest);
                }
            }
        });
        Kills(kills.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Somebody who runs.
    fn choose(&mut self) -> Option<Process> {
        let running: Vec<Process> = self.mall.ps().into_iter().filter(|it| it.pid.is_some_and(is_alive)).collect();
        let unharmed = self.unharmed.get_or_insert_with(|| running.iter().map(|it| it.instance.clone()).collect());
        let fresh: Vec<&Process> = running.iter().filter(|it| unharmed.contains(&it.instance)).collect();
        let victim = match fresh.len() {
            0 if running.is_empty() => return None,
            0 => running[self.chance.below(running.len())].clone(),
            some => fresh[self.chance.below(some)].clone(),
        };
        unharmed.retain(|instance| *instance != victim.instance);
        Some(victim)
    }
}

/// When there was a first 2xx after a process had died, so from its successor.
fn back(mall: &Mall, http: &Http, victim: &Process) -> Instant {
    const LOOKS_PER_ADDRESS: u32 = 20;
    let (mut url, mut looks) = (victim.url.clone(), 0);
    until(&format!("{} is back", victim.instance), PATIENCE, || {
        looks += 1;
        // It comes back where it was, unless somebody else has taken the port.
        if looks % LOOKS_PER_ADDRESS == 0 {
            url = mall.ps().into_iter().find(|it| it.instance == victim.instance).and_then(|it| it.url);
        }
        let part = READS.iter().find(|(name, _)| *name == victim.name);
        let read = part.map_or_else(|| list_of(&victim.name), |(_, read)| (*read).to_owned());
        let address = format!("{}{read}", url.as_deref().ok_or("it has no address")?);
        match mall.ask_process(http, &victim.name, &address) {
            Ok(answer) if answer.status < 300 => Ok(now()),
            other => Err(format!("{other:?}")),
        }
    })
}

impl Kills {
    /// How often each instance was killed.
    pub(crate) fn count(&self) -> BTreeMap<String, u32> {
        let mut count = BTreeMap::new();
        self.0.iter().for_each(|kill| *count.entry(kill.instance.clone()).or_default() += 1);
        count
    }

    /// Kills per process and how long they took to come back.
    pub(crate) fn print(&self) {
        println!("{} kills: {:?}", self.0.len(), self.count());
        let services = |kill: &&Kill| !["broker", "gateway"].contains(&kill.name.as_str());
        figures("a service", self.0.iter().filter(services));
        figures("broker", self.0.iter().filter(|kill| kill.name == "broker"));
        figures("gateway", self.0.iter().filter(|kill| kill.name == "gateway"));
    }
}

fn figures<'a>(who: &str, kills: impl Iterator<Item = &'a Kill>) {
    let mut back: Vec<Duration> = kills.map(|kill| kill.back_after).collect();
    back.sort();
    let at = |hundredths: usize| back[(back.len() * hundredths).div_ceil(100) - 1];
    if !back.is_empty() {
        let (half, most, last) = (at(50), at(99), at(100));
        println!(
            "{who}: first 2xx after kill -9: p50 {half:.0?}, p99 {most:.0?}, longest {last:.0?} of {}",
            back.len()
        );
    }
}
