//! Timers that are moved about when they are due: whoever asked for later is woken later, and once.

use std::{sync::Arc, time::Duration};

use bongsu_core::{Aggregate, CommandId, Ctx, Decider, Effect, Input, Messages, Process, Route, message};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{Adapters, Call, Once, Outcome, Reply, Runtime, Service, Settings};
use bongsu_sim::{self as sim, Failure, Node, Plan, Sim, SimAnswer, SimEnv, check};

const SLEEPERS: u64 = 6;
/// How often each changes its mind.
const MOVES: u64 = 8;
/// From now to the bell.
const LATER_MS: i64 = 1_500;

#[message("alarm.set", version = 1)]
struct Set {
    sleeper: String,
}
#[message("alarm.ring", version = 1)]
struct Ring {
    sleeper: String,
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Command {
    Set(Set),
    Ring(Ring),
}

#[message("alarm.was-set", version = 1)]
struct WasSet {
    sleeper: String,
}
#[message("alarm.rang", version = 1)]
struct Rang {}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Event {
    Set(WasSet),
    Rang(Rang),
}

#[message("alarm.never", version = 1)]
struct Never {}

struct Alarm;
/// Rings a while after the alarm was last set.
struct Bell;

impl Aggregate for Alarm {
    const NAME: &'static str = "alarm";
    type Event = Event;
    type State = u64;

    fn evolve(_: &mut u64, _: &Event) {}
}

impl Decider for Alarm {
    type Command = Command;
    type Rejection = Never;

    fn target(&self, command: &Command, _: &Ctx) -> String {
        match command {
            Command::Set(Set { sleeper }) | Command::Ring(Ring { sleeper }) => sleeper.clone(),
        }
    }

    fn decide(&self, _: &u64, command: Command, _: &Ctx) -> Result<Vec<Event>, Never> {
        Ok(match command {
            Command::Set(Set { sleeper }) => vec![WasSet { sleeper }.into()],
            Command::Ring(_) => vec![Rang {}.into()],
        })
    }
}

impl Process for Bell {
    const NAME: &'static str = "bell";
    type Heard = WasSet;
    type State = String;
    type Command = Ring;

    fn route(&self, heard: &WasSet) -> Route {
        Route::Start(heard.sleeper.clone())
    }

    fn evolve(sleeper: &mut String, input: &Input<'_, WasSet>) {
        if let Input::Heard(heard) = input {
            sleeper.clone_from(&heard.sleeper);
        }
    }

    fn react(&self, sleeper: &String, input: &Input<'_, WasSet>, ctx: &Ctx) -> Vec<Effect<Ring>> {
        match input {
            Input::Heard(_) => vec![Effect::Wake { name: "ring", at_ms: ctx.now_ms + LATER_MS }],
            Input::Woke { .. } => vec![Effect::Send(Ring { sleeper: sleeper.clone() })],
            Input::Refused { .. } => Vec::new(),
        }
    }
}

fn reply(_: &Outcome<'_>) -> Reply {
    Reply { status: 200, headers: Vec::new(), body: bytes::Bytes::new() }
}

async fn set(runtime: Arc<Runtime>, key: String, sleeper: String) -> bool {
    let handle = runtime.handle();
    let ctx = Ctx::new(handle.env().wall_ms(), CommandId::from_parts(&[&key]), "sleeper");
    let call = Call { ctx, once: Some(Once { key, body: "same".into() }) };
    handle.execute_any(&Command::from(Set { sleeper }), &call, &reply).await.is_ok()
}

/// Sets the alarm again and again, each time about when it is due.
async fn sleep_badly(sim: Sim, nodes: Vec<Node<Runtime>>, number: u64) {
    let mut dice = sim.dice(&format!("sleeper {number}"));
    for turn in 0..MOVES {
        let (sleeper, key) = (format!("s{number}"), format!("{number} sets {turn}"));
        for node in nodes.iter().cycle().skip(dice.below(2) as usize).take(40) {
            let (key, sleeper) = (key.clone(), sleeper.clone());
            let asked = node.ask("set", move |runtime| set(runtime, key, sleeper));
            if matches!(sim.timeout(Duration::from_secs(2), asked).await, Some(Ok(true))) {
                break;
            }
        }
        sim.sleep(Duration::from_millis(LATER_MS as u64 - 20 + dice.below(60))).await;
    }
}

fn todos(store: &MemoryStore) -> Vec<String> {
    check::todos(store).expect("to-dos of the runtime").into_iter().map(|todo| todo.id).collect()
}

async fn scenario(sim: Sim) -> Result<(), Failure> {
    let store = MemoryStore::with_env(sim.env());
    let (world, bus) = (sim.store("alarm", store.clone()), sim.broker("broker", MemoryBroker::new(sim.env())));
    let http = sim.http("nobody", |_, _| SimAnswer::Hang);
    sim.watch("I9 timers are kept", check::timers_are_kept("alarm", store.clone()));
    let nodes = ["alarm-1", "alarm-2"].map(|slot| {
        let (world, bus, http) = (world.clone(), bus.clone(), http.clone());
        sim.node(slot, move |env: Arc<SimEnv>| {
            let (store, broker, http) = (world.client(&env), bus.client(&env), http.client(&env));
            let service = Service::new("alarm").decider(Alarm, |_, _, _| None).process(Bell);
            let settings = Settings { slot: slot.into(), partitions: 1, ..Settings::default() };
            async move { Runtime::start(service, Adapters { store, broker, env, http }, settings) }
        })
    });
    for number in 0..SLEEPERS {
        sim.spawn("sleeper", sleep_badly(sim.clone(), nodes.to_vec(), number));
    }
    sim.sleep(Duration::from_secs(30)).await;
    sim.heal();
    // Until what the faults have left over is done; whoever sleeps from then on is woken in time.
    sim.sleep(Duration::from_secs(31)).await;
    for number in SLEEPERS..2 * SLEEPERS {
        sim.spawn("sleeper", sleep_badly(sim.clone(), nodes.to_vec(), number));
    }
    sim.sleep(Duration::from_secs(10)).await;
    let left = store.clone();
    sim.quiesce(Duration::from_secs(120), move || todos(&left)).await?;
    let count = |name: &str| store.look(|events| events.iter().filter(|event| event.name == name).count() as u64);
    let (set, rang) = (count("alarm.was-set"), count("alarm.rang"));
    if rang < set {
        sim.reached("an alarm was moved before it rang");
    }
    sim.check("every alarm rang", if rang >= 2 * SLEEPERS { Ok(rang) } else { Err(format!("{rang} rang")) })
}

#[test]
fn a_timer_that_was_moved_wakes_at_its_new_time_under_every_seed() {
    let stats = sim::search(0..60, Plan::swarm, scenario).unwrap_or_else(|failed| panic!("{failed}"));
    assert!(stats.reached.contains_key("an alarm was moved before it rang"), "{stats}");
}

#[test]
fn a_timer_that_is_due_before_its_time_is_found() {
    super::is_found_by("timer-early", "I9 timers are kept", 0..20, scenario);
}

#[test]
fn a_timer_that_is_looked_for_after_its_time_is_found() {
    super::is_found_by("timer-late", "I9 timers are kept", 0..20, scenario);
}
