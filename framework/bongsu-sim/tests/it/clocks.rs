//! Clocks of two instances whose wall clocks jump, that die and stand still: each moment of a schedule is used up once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bongsu_core::{Aggregate, Ctx, Decider, Wire as _, message};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{
    Adapters, Firing, Missed, Runtime, Schedule, Service, Settings, daily, every, ports::env::Env as _,
};
use bongsu_sim::{self as sim, Failure, Node, Plan, Sim, SimAnswer, SimEnv, check::Checked};

const TICK: Duration = Duration::from_secs(5);
/// 2026-01-01T00:00:00Z, where every run begins.
const START_MS: i64 = 1_767_225_600_000;
const HOUR_MS: i64 = 3_600_000;

#[message("bell.ring", version = 1)]
struct Ring {
    at_ms: i64,
}

#[message("bell.rang", version = 1)]
struct Rang {
    at_ms: i64,
}

#[message("bell.never", version = 1)]
struct Never {}

struct Bell;

impl Aggregate for Bell {
    const NAME: &'static str = "bell";
    type Event = Rang;
    type State = u64;

    fn evolve(rings: &mut u64, _: &Rang) {
        *rings += 1;
    }
}

impl Decider for Bell {
    type Command = Ring;
    type Rejection = Never;

    fn target(&self, _: &Ring, _: &Ctx) -> String {
        "tower".into()
    }

    fn decide(&self, _: &u64, ring: Ring, _: &Ctx) -> Result<Vec<Rang>, Never> {
        Ok(vec![Rang { at_ms: ring.at_ms }])
    }
}

fn ring(firing: &Firing, _: &Ctx) -> Vec<Ring> {
    vec![Ring { at_ms: firing.at_ms }]
}

/// Two instances of a tower whose bell rings by a schedule.
fn tower(sim: &Sim, store: &MemoryStore, schedule: &Schedule) -> [Node<Runtime>; 2] {
    let (world, bus) = (sim.store("tower", store.clone()), sim.broker("broker", MemoryBroker::new(sim.env())));
    let http = sim.http("nobody", |_, _| SimAnswer::Hang);
    ["tower-1", "tower-2"].map(|slot| {
        let (world, bus, http, schedule) = (world.clone(), bus.clone(), http.clone(), schedule.clone());
        sim.node(slot, move |env: Arc<SimEnv>| {
            let (store, broker, http) = (world.client(&env), bus.client(&env), http.client(&env));
            let service = Service::new("tower").decider(Bell, |_, _, _| None);
            let service = service.at("chime", schedule.clone(), Missed::MadeUp, ring);
            let settings = Settings { slot: slot.into(), partitions: 1, ..Settings::default() };
            async move { Runtime::start(service, Adapters { store, broker, env, http }, settings) }
        })
    })
}

fn rings(store: &MemoryStore) -> Vec<i64> {
    let rang = |event: &bongsu_runtime::ports::store::StoredEvent| {
        Rang::decode(&event.name, event.schema, &event.data).ok().flatten().map(|rang| rang.at_ms)
    };
    store.look(|events| events.iter().filter_map(rang).collect())
}

/// Each moment at most once, and only moments of the schedule.
fn once_each(rings: &[i64], is_one: impl Fn(i64) -> bool) -> Checked {
    let mut times: BTreeMap<i64, u32> = BTreeMap::new();
    for at_ms in rings {
        *times.entry(*at_ms).or_default() += 1;
    }
    match times.iter().find(|(at_ms, times)| **times > 1 || !is_one(**at_ms)) {
        Some((at_ms, times)) => Err(format!("it rang {times} times for {at_ms}")),
        None => Ok(rings.len() as u64),
    }
}

/// So many ticks while everything goes wrong, some while the world heals, and four more.
async fn ticking(sim: Sim, ticks: u32) -> Result<(), Failure> {
    let store = MemoryStore::with_env(sim.env());
    let nodes = tower(&sim, &store, &every(TICK));
    sim.sleep(ticks * TICK).await;
    sim.heal();
    sim.sleep(Duration::from_secs(30)).await;
    let (before, is_tick) = (rings(&store).len(), |at_ms: i64| at_ms % TICK.as_millis() as i64 == 0);
    if before < ticks as usize {
        sim.reached("a tick was missed");
    }
    sim.sleep(4 * TICK).await;
    let all = rings(&store);
    drop(nodes);
    sim.check("C1 each moment once", once_each(&all, is_tick))?;
    // What a clock that was ahead has used up comes no more: then the last moment lies ahead.
    let end_ms = START_MS + sim.env().mono().as_millis() as i64;
    let runs = all.len() > before || all.iter().any(|at_ms| *at_ms > end_ms - 2 * TICK.as_millis() as i64);
    sim.check("C2 it goes on", if runs { Ok(all.len() as u64) } else { Err(format!("{} rings in all", all.len())) })
}

/// Sets both clocks on, and lets some time pass.
async fn on(sim: &Sim, nodes: &[Node<Runtime>], ms: i64) {
    nodes.iter().for_each(|node| node.jump_wall_clock(ms));
    sim.sleep(Duration::from_secs(45)).await;
}

async fn daylight_saving(sim: Sim) -> Result<(), Failure> {
    let store = MemoryStore::with_env(sim.env());
    let nodes = tower(&sim, &store, &daily("01:30", "America/New_York"));
    // 2026-11-01T05:29:40Z, where it is 01:29:40, twenty seconds before the first 01:30 of that day.
    const FIRST: i64 = 1_793_511_000_000;
    sim.sleep(Duration::from_secs(10)).await;
    on(&sim, &nodes, FIRST - 20_000 - START_MS - 10_000).await;
    on(&sim, &nodes, HOUR_MS - 45_000).await;
    on(&sim, &nodes, 24 * HOUR_MS).await;
    let rang = rings(&store);
    // Whatever was jumped over was made up for once; then the day with two of these, and the next one, an hour later.
    let expected = [FIRST, FIRST + 25 * HOUR_MS];
    let rest: Vec<i64> = rang.iter().copied().filter(|at_ms| *at_ms >= FIRST).collect();
    sim.check("C1 each moment once", once_each(&rang, |_| true))?;
    sim.check("C3 daylight saving", if rest == expected { Ok(2) } else { Err(format!("{rang:?}")) })
}

#[test]
fn each_moment_of_a_schedule_is_used_up_once_under_every_seed() {
    let stats = sim::search(0..60, Plan::swarm, |sim| ticking(sim, 24)).unwrap_or_else(|failed| panic!("{failed}"));
    assert!(stats.reached.contains_key("a tick was missed"), "{stats}");
    println!("{stats}");
}

#[test]
fn a_death_at_any_step_fires_no_moment_twice() {
    let stats = sim::sweep(1, &Plan::calm(), |sim| ticking(sim, 2)).unwrap_or_else(|failed| panic!("{failed}"));
    assert!(stats.fired[&("crash", "node")] > 50, "{stats}");
}

#[test]
fn the_day_with_two_of_an_hour_has_one_firing() {
    for seed in 0..5 {
        let outcome = sim::run(seed, Plan::calm(), daylight_saving);
        outcome.result.unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
    }
}
