//! Two instances of a service that keeps snapshots, in the simulator: whoever dies when, a snapshot and the events
//! after it are all events.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bongsu_core::{Aggregate, CommandId, Ctx, Decider, message};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{
    Adapters, Call, CommandError, Once, Outcome, Reply, Runtime, Service, Settings, Snapshots, daily,
    ports::store::Store,
};
use bongsu_sim::{self as sim, Failure, Node, Plan, Sim, SimAnswer, SimEnv, check};
use serde::{Deserialize, Serialize};

const SALES: u64 = 40;
const SCHEMA: u32 = 1;

#[message("till.ring", version = 1)]
struct Ring {
    amount: u64,
}
#[message("till.rung", version = 1)]
struct Rung {
    amount: u64,
}
#[message("till.never", version = 1)]
struct Never {}

/// What is in the till, and how often it was opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Content {
    sum: u64,
    opened: u64,
}

struct Till;

impl Aggregate for Till {
    const NAME: &'static str = "till";
    type Event = Rung;
    type State = Content;

    fn evolve(content: &mut Content, event: &Rung) {
        content.sum += event.amount;
        content.opened += 1;
    }
}

impl Decider for Till {
    type Command = Ring;
    type Rejection = Never;

    fn target(&self, _: &Ring, _: &Ctx) -> String {
        "one".into()
    }

    fn decide(&self, _: &Content, ring: Ring, _: &Ctx) -> Result<Vec<Rung>, Never> {
        Ok(vec![Rung { amount: ring.amount }])
    }
}

/// The simulated clock starts at midnight UTC.
fn service() -> Service {
    Service::new("shop")
        .decider(Till, |_, _, _| None)
        .snapshots::<Till>(Snapshots { schema: SCHEMA, every: 3 })
        .snapshots_at(daily("00:00:05", "UTC"))
}

async fn ring(runtime: Arc<Runtime>, amount: u64) -> Result<(), CommandError> {
    let (handle, key) = (runtime.handle(), format!("sale {amount}"));
    let ctx = Ctx::new(handle.env().wall_ms(), CommandId::from_parts(&[&key]), "asker");
    let call = Call { ctx, once: Some(Once { key, body: "same".into() }) };
    handle.execute_any(&Ring { amount }, &call, &rung).await.map(drop)
}

fn rung(_: &Outcome<'_>) -> Reply {
    Reply { status: 200, headers: Vec::new(), body: "rung".into() }
}

async fn content(runtime: Arc<Runtime>) -> Result<(Content, u64), CommandError> {
    runtime.handle().load::<Till>("one").await
}

/// Asks any instance until it answers.
async fn sell(sim: &Sim, tills: &[Node<Runtime>], amount: u64) {
    let mut dice = sim.dice(&format!("asker {amount}"));
    sim.sleep(Duration::from_millis(dice.below(10_000))).await;
    loop {
        let till = dice.pick(tills).expect("two tills");
        let asked = till.ask("ring", move |runtime| ring(runtime, amount));
        if matches!(sim.timeout(Duration::from_secs(2), asked).await, Some(Ok(Ok(())))) {
            return;
        }
        sim.sleep(Duration::from_millis(100)).await;
    }
}

async fn scenario(sim: Sim) -> Result<(), Failure> {
    let (store, broker) = (MemoryStore::with_env(sim.env()), MemoryBroker::new(sim.env()));
    let (door, world) = (sim.broker("broker", broker), sim.store("shop", store.clone()));
    let http = sim.http("nobody", |_, _| SimAnswer::Hang);
    let tills = ["shop-1", "shop-2"].map(|slot| {
        let (world, door, http) = (world.clone(), door.clone(), http.clone());
        sim.node(slot, move |env: Arc<SimEnv>| {
            let (store, broker, http): (Arc<dyn Store>, _, _) =
                (world.client(&env), door.client(&env), http.client(&env));
            let adapters = Adapters { store, broker, http, env };
            let settings = Settings { slot: slot.into(), partitions: 1, ..Settings::default() };
            async move { Runtime::start(service(), adapters, settings) }
        })
    });
    sim.watch("I11 snapshots only rise", check::snapshots_only_rise("shop", store.clone()));
    let sold = Arc::new(Mutex::new(0));
    for amount in 1..=SALES {
        let (asker, tills, sold) = (sim.clone(), tills.clone(), sold.clone());
        sim.spawn("asker", async move {
            sell(&asker, &tills, amount).await;
            *sold.lock().expect("no asker panics") += 1;
        });
    }
    sim.sleep(Duration::from_secs(15)).await;
    sim.heal();
    let left = move || match SALES - *sold.lock().expect("no asker panics") {
        0 => Vec::new(),
        left => vec![format!("{left} sales are not done")],
    };
    sim.quiesce(Duration::from_secs(60), left).await?;
    verify(&sim, &store, &tills).await
}

async fn verify(sim: &Sim, store: &MemoryStore, tills: &[Node<Runtime>]) -> Result<(), Failure> {
    let (events, snapshots) = (store.all_events(), store.docs_of("snapshot"));
    sim.check("I11 snapshots are sound", check::snapshots_are_sound::<Till>(&events, &snapshots, SCHEMA))?;
    let expected = Content { sum: SALES * (SALES + 1) / 2, opened: SALES };
    for till in tills {
        let read = till.ask("content", content).await.map_err(|lost| Failure::Stuck(lost.to_string()))?;
        let (content, version) = read.map_err(|error| Failure::Scenario(error.to_string()))?;
        if (&content, version) != (&expected, SALES) {
            return Err(format!("{content:?} at {version} is not {expected:?}").into());
        }
    }
    if !store.docs_of("midnight").is_empty() {
        sim.reached("snapshots were taken by the clock");
    }
    Ok(())
}

#[test]
fn a_snapshot_and_the_events_after_it_are_all_events_under_every_seed() {
    let stats = sim::search(0..60, Plan::swarm, scenario).unwrap_or_else(|failed| panic!("{failed}"));
    assert!(stats.reached.contains_key("snapshots were taken by the clock"), "{stats}");
}

#[test]
fn a_death_at_any_step_leaves_no_wrong_snapshot() {
    let stats = sim::sweep(1, &Plan::calm(), scenario).unwrap_or_else(|failed| panic!("{failed}"));
    assert!(stats.fired[&("crash", "node")] > 50, "{stats}");
}

#[test]
fn a_snapshot_written_without_comparing_versions_is_found() {
    super::is_found_by("snapshot-without-version", "I11 ", 0..100, scenario);
}
