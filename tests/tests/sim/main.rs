//! The mall in the simulator: five contexts under one seed, in virtual time, with everything going wrong. The audit
//! joins them under every tenth seed.
//!
//! `SEEDS=n` runs so many seeds, `SEED=x` replays one, `BUG=name` plants a bug, which some seed must find.
//! Without any of them: a few hundred seeds, one seed replayed to the same trace hash, and every planted bug.

mod world;
mod clients;
mod couriers;
mod rebuilds;
mod history;
mod restore;
mod carts;
mod poison;
mod scenario;
mod judge;
mod ledger;
mod planted;
mod crash;

use std::{
    fmt,
    time::{Duration, Instant},
};

use bongsu_sim::{Failure, Outcome, Plan, Stats, run};

use crate::{
    planted::{BUGS, Bug},
    scenario::{Done, scenario},
};

/// A run is millions of small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seeds of one ordinary run; as many or more settle the ledger.
const SEEDS: u64 = 100;
/// Seeds a planted bug may survive.
const PATIENCE: u64 = 200;

fn plan(seed: u64, bug: Option<&str>) -> Plan {
    let plan = Plan::swarm(seed);
    bug.map_or(plan.clone(), |bug| plan.bug(bug))
}

fn simulate(seed: u64, bug: Option<&'static str>) -> Outcome<Done> {
    run(seed, plan(seed, bug), move |sim| scenario(sim, bug))
}

fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test's switches come from its command line")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str) -> Option<u64> {
    setting(name).map(|value| value.parse().unwrap_or_else(|_| panic!("{name}={value} is not a number")))
}

/// The bug of the command line.
fn chosen() -> Option<&'static str> {
    let name = setting("BUG")?;
    let known = BUGS.iter().find(|bug| bug.name == name);
    Some(known.unwrap_or_else(|| panic!("{name} is not in the table of planted bugs")).name)
}

/// Orders simulated, and how long that took: the simulator's own figure.
#[derive(Default)]
struct Rate {
    orders: u64,
    took: Duration,
}

impl Rate {
    fn add(&mut self, orders: u64, took: Duration) {
        (self.orders, self.took) = (self.orders + orders, self.took + took);
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, took } = self;
        write!(
            f,
            "{orders} orders in {took:.1?}: {:.0} simulated orders/s on one core",
            *orders as f64 / took.as_secs_f64()
        )
    }
}

/// What seeds that held have shown: in all, and how fast all of them and the plain ones went.
type Swept = (Stats, Rate, Rate);

/// Runs seeds until one fails, which is the error.
fn sweep(seeds: u64, bug: Option<&'static str>) -> Result<Swept, Box<Outcome<Done>>> {
    let (mut stats, mut all, mut plain) = Swept::default();
    for seed in 1..=seeds {
        #[expect(clippy::disallowed_methods, reason = "measures the simulator itself")]
        let start = Instant::now();
        let outcome = simulate(seed, bug);
        stats.add(&outcome.stats);
        let Ok(done) = outcome.result else { return Err(Box::new(outcome)) };
        all.add(done.orders, start.elapsed());
        if done.plain {
            plain.add(done.orders, start.elapsed());
        }
    }
    Ok((stats, all, plain))
}

#[test]
fn the_mall_holds_under_every_seed() {
    let bug = chosen();
    if let Some(seed) = number("SEED") {
        let outcome = simulate(seed, bug);
        println!("{outcome}");
        assert!(outcome.result.is_ok(), "seed {seed} failed; replay it with SEED={seed}");
        return;
    }
    match sweep(number("SEEDS").unwrap_or(SEEDS), bug) {
        Ok((stats, all, plain)) => {
            println!("{stats}\nthe ledger:\n{}", ledger::ledger().show(&stats));
            println!("{all}");
            println!(
                "of these with one instance of each context in its newest build, no rebuild and no audit: {plain}"
            );
            if stats.runs >= SEEDS {
                ledger::ledger().settle(&stats).unwrap_or_else(|why| panic!("the ledger: {why}"));
                ledger::every_fault_fired(&stats).unwrap_or_else(|why| panic!("{why}"));
            }
        }
        Err(outcome) => {
            println!("{outcome}");
            let bug = bug.map_or(String::new(), |bug| format!(" BUG={bug}"));
            panic!("seed {} failed; replay it with: make sim SEED={}{bug}", outcome.seed, outcome.seed);
        }
    }
}

#[test]
fn a_seed_replays_to_the_same_trace_hash() {
    let (first, again) = (simulate(7, None), simulate(7, None));
    assert_eq!(first.hash, again.hash);
    assert_ne!(first.hash, simulate(8, None).hash);
}

#[test]
fn every_planted_bug_is_found_by_the_rule_that_is_there_for_it() {
    for bug in BUGS.iter().filter(|bug| chosen().is_none_or(|chosen| chosen == bug.name)) {
        let (seed, failure) = found_by_its_rule(bug).unwrap_or_else(|others| {
            let others = others.iter().take(5).map(|other| other.chars().take(300).collect::<String>());
            panic!("no run of {PATIENCE} broke {:?} by {}: {:#?}", bug.found_by, bug.name, others.collect::<Vec<_>>())
        });
        println!("{:<28} {:<52} seed {seed:>3}: {failure}", bug.name, bug.does);
    }
}

/// The first seed under which a bug breaks its rule; otherwise what else went wrong.
fn found_by_its_rule(bug: &Bug) -> Result<(u64, String), Vec<String>> {
    let mut others = Vec::new();
    for seed in 1..=PATIENCE {
        match simulate(seed, Some(bug.name)).result {
            Err(Failure::Rule(why)) if why.starts_with(bug.found_by) => return Ok((seed, why)),
            Err(other) => others.push(format!("seed {seed}: {other}")),
            Ok(_) => {}
        }
    }
    Err(others)
}
