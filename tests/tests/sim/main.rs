//! The mall in the simulator: five contexts under one seed, in virtual time, with everything going wrong. The audit
//! joins them under every tenth seed.
//!
//! `SEEDS=n` runs so many seeds, `SEED=x` replays one, `BUG=name` plants a bug, which some seed must find.
//! Without any of them: a few hundred seeds, one seed replayed to the same trace hash, and every planted bug.

mod world;
mod clients;
mod rebuilds;
mod scenario;

use std::time::Instant;

use bongsu_testing::sim::{Outcome, Plan, Stats, run};

use crate::scenario::scenario;

/// A run is millions of small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bugs the rules must find.
const BUGS: [&str; 6] = [
    "position-before-effect",
    "publish-before-commit",
    "phantom-stock",
    "lost-timer",
    "once-key-after-handler",
    "rebuild-swap-before-catch-up",
];
/// Seeds of one ordinary run.
const SEEDS: u64 = 100;
/// Seeds a planted bug may survive.
const PATIENCE: u64 = 200;
/// Every ending of an order; a run of many seeds that misses one has tested nothing of it.
const ENDINGS: [&str; 9] = [
    "completed",
    "rejected: out of stock",
    "rejected: declined",
    "rejected: deadline",
    "cancelled: by the customer before it was confirmed",
    "cancelled: by the customer later",
    "cancellation refused",
    "a late capture was refunded",
    "reported by the audit, and settled",
];

fn plan(seed: u64, bug: Option<&str>) -> Plan {
    let plan = Plan::swarm(seed);
    bug.map_or(plan.clone(), |bug| plan.bug(bug))
}

fn simulate(seed: u64, bug: Option<&str>) -> Outcome<u64> {
    run(seed, plan(seed, bug), move |sim| scenario(sim, bug == Some("phantom-stock")))
}

fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test's switches come from its command line")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str) -> Option<u64> {
    setting(name).map(|value| value.parse().unwrap_or_else(|_| panic!("{name}={value} is not a number")))
}

/// Runs seeds until one fails; prints what it found.
fn sweep(seeds: u64, bug: Option<&str>) -> Result<(Stats, u64), Box<Outcome<u64>>> {
    let (mut stats, mut orders) = (Stats::default(), 0);
    for seed in 1..=seeds {
        let outcome = simulate(seed, bug);
        stats.add(&outcome.stats);
        match &outcome.result {
            Ok(placed) => orders += placed,
            Err(_) => return Err(Box::new(outcome)),
        }
    }
    Ok((stats, orders))
}

#[test]
fn the_mall_holds_under_every_seed() {
    let bug = setting("BUG");
    if let Some(seed) = number("SEED") {
        let outcome = simulate(seed, bug.as_deref());
        println!("{outcome}");
        assert!(outcome.result.is_ok(), "seed {seed} failed; replay it with SEED={seed}");
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "measures the simulator itself")]
    let start = Instant::now();
    match sweep(number("SEEDS").unwrap_or(SEEDS), bug.as_deref()) {
        Ok((stats, orders)) => {
            let took = start.elapsed();
            println!("{stats}");
            let rate = orders as f64 / took.as_secs_f64();
            println!("{orders} orders in {took:.1?}: {rate:.0} simulated orders/s on one core");
            if stats.runs >= SEEDS {
                let missed: Vec<_> = ENDINGS.iter().filter(|ending| !stats.reached.contains_key(*ending)).collect();
                assert!(missed.is_empty(), "never reached: {missed:?}");
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
fn every_planted_bug_is_found() {
    for bug in BUGS {
        match sweep(PATIENCE, Some(bug)) {
            Ok(_) => panic!("{bug} survived {PATIENCE} seeds"),
            Err(outcome) => println!("{bug}: found by seed {}: {}", outcome.seed, outcome.result.unwrap_err()),
        }
    }
}
