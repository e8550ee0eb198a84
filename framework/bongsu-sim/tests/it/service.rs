//! Two services on the real runtime, in the simulator: a desk takes questions, a clerk looks up answers.
//!
//! A question is answered or expires, never both and never neither; the library is asked once for each.

mod clerk;
mod desk;
mod paused;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bongsu_core::{CommandId, Ctx};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{
    Adapters, Answer, Call, CommandError, Once, Outcome, Reply, Runtime, Service, Settings, coverage,
    ports::{
        env::{Env, HttpRequest, HttpResponse},
        store::DocKey,
    },
};
use bongsu_sim::{self as sim, Failure, Ledger, Node, Plan, Sim, SimAnswer, SimBroker, SimEnv, SimHttp, check};

const QUESTIONS: u64 = 20;

/// One service: what survives it, and where it runs.
struct Context {
    service: fn() -> Service,
    store: MemoryStore,
    nodes: Vec<Node<Runtime>>,
}

/// An outside party: which idempotency keys it has answered, and what.
#[derive(Clone)]
struct Library {
    answers: Arc<Mutex<BTreeMap<String, String>>>,
    desk: MemoryStore,
}

impl Library {
    /// The same key gets the same answer. Some answers take longer than anybody waits, and some questions are
    /// answered only when it is too late.
    fn answer(&self, request: &HttpRequest, now: Duration) -> SimAnswer {
        let key = request.url.clone();
        let mut known = self.answers.lock().expect("no answer panics");
        let text = known.entry(key).or_insert_with(|| format!("found at {now:?}")).clone();
        let question = String::from_utf8_lossy(&request.body);
        let hard = question.ends_with('3') || question.ends_with('7');
        if hard && !happened(&self.desk, &["desk.expired"]).iter().any(|expired| *expired == question) {
            return SimAnswer::Hang;
        }
        let response = HttpResponse { status: 200, body: text.into() };
        match now.as_millis() % 5 {
            0 => SimAnswer::After(Duration::from_secs(3), response),
            _ => SimAnswer::Now(response),
        }
    }
}

/// The ids of the streams in which such an event happened, in order.
fn happened(store: &MemoryStore, names: &[&str]) -> Vec<String> {
    let events = store.all_events().into_iter().filter(|event| names.contains(&event.name.as_str()));
    events.map(|event| event.stream.split_once('/').expect("aggregate/id").1.to_owned()).collect()
}

fn start(
    sim: &Sim,
    service: fn() -> Service,
    (slots, store): (&[&str], MemoryStore),
    broker: &SimBroker,
    http: &SimHttp,
) -> Context {
    let world = sim.store(service().name(), store.clone());
    let nodes = slots.iter().map(|slot| {
        let (slot, world, broker, http) = ((*slot).to_owned(), world.clone(), broker.clone(), http.clone());
        sim.node(&slot.clone(), move |env: Arc<SimEnv>| {
            let adapters = Adapters {
                store: world.client(&env),
                broker: broker.client(&env),
                http: http.client(&env),
                env: env.clone(),
            };
            let settings = Settings { slot: slot.clone(), partitions: 3, ..Settings::default() };
            async move { Runtime::start(service(), adapters, settings) }
        })
    });
    Context { service, nodes: nodes.collect(), store }
}

fn name(question: u64) -> String {
    format!("q{question}")
}

fn reply(outcome: &Outcome<'_>) -> Reply {
    let body = match outcome {
        Outcome::Accepted { id, version, token } => format!("{id}@{version} {token}"),
        Outcome::Rejected(why) => why.name.clone(),
    };
    Reply { status: 200, headers: Vec::new(), body: body.into() }
}

async fn ask(runtime: Arc<Runtime>, question: u64) -> Result<Answer, CommandError> {
    let (handle, id) = (runtime.handle(), name(question));
    let ctx = Ctx::new(handle.env().wall_ms(), CommandId::from_parts(&["ask", &id]), "client");
    let once = Once { key: id.clone(), body: "same".into() };
    handle.execute_any(&desk::Ask { question: id }, &Call { ctx, once: Some(once) }, &reply).await
}

/// Asks any instance until it is answered; the answer.
async fn insist(sim: &Sim, desks: &[Node<Runtime>], question: u64) -> Result<Answer, Failure> {
    let mut dice = sim.dice(&format!("client {question} at {:?}", sim.now()));
    for _ in 0..1_000 {
        let desk = dice.pick(desks).ok_or("no desk")?;
        let asked = desk.ask("ask", move |runtime| ask(runtime, question));
        match sim.timeout(Duration::from_secs(2), asked).await {
            Some(Ok(Ok(answer))) => return Ok(answer),
            Some(Ok(Err(
                error @ (CommandError::KeyReused
                | CommandError::Damaged(_)
                | CommandError::Corrupt(_)
                | CommandError::Invalid(_)),
            ))) => return Err(Failure::Scenario(error.to_string())),
            _ => sim.sleep(Duration::from_millis(100)).await,
        }
    }
    Err(Failure::Stuck(format!("{} was never answered", name(question))))
}

/// What the rows of the board say, as (asked, closed).
fn board(store: &MemoryStore) -> BTreeMap<String, desk::Row> {
    let table = format!("{}@1.1", <desk::Board as bongsu_core::Projection>::NAME);
    let rows = store.docs_of(&table).into_iter();
    rows.map(|doc| (doc.key.id.to_string(), serde_json::from_slice(&doc.data).expect("a row of the board"))).collect()
}

fn watch_always(sim: &Sim, desk: &Context, clerk: &Context, broker: &MemoryBroker) -> [check::Lanes; 2] {
    sim.watch("I9 timers are kept", check::timers_are_kept("desk", desk.store.clone()));
    [("desk", desk), ("clerk", clerk)].map(|(topic, context)| {
        sim.watch(
            if topic == "desk" { "I2 desk, always" } else { "I2 clerk, always" },
            check::published_is_committed(context.store.clone(), topic),
        );
        sim.watch(
            if topic == "desk" { "I3 desk, always" } else { "I3 clerk, always" },
            check::published_in_order(context.store.clone(), topic),
        );
        sim.watch("I15 writes are fenced", check::only_the_owner_writes(topic, context.store.clone()));
        let lanes = check::Lanes::of(topic, context.store.clone(), broker.clone(), &(context.service)());
        sim.watch(if topic == "desk" { "I5 desk, always" } else { "I5 clerk, always" }, lanes.stay_safe());
        lanes
    })
}

/// Every client asks its question at a moment of its own and insists on an answer.
fn ask_all(sim: &Sim, desk: &Context) -> Arc<Mutex<BTreeMap<u64, Answer>>> {
    let answers = Arc::new(Mutex::new(BTreeMap::new()));
    for question in 0..QUESTIONS {
        let (client, desks, answers) = (sim.clone(), desk.nodes.clone(), answers.clone());
        sim.spawn("client", async move {
            let mut dice = client.dice(&format!("arrival {question}"));
            client.sleep(Duration::from_millis(dice.below(20_000))).await;
            match insist(&client, &desks, question).await {
                Ok(answer) => drop(answers.lock().expect("no client panics").insert(question, answer)),
                Err(failure) => client.fail(failure.to_string()),
            }
        });
    }
    answers
}

async fn scenario(sim: Sim) -> Result<(), Failure> {
    let memory = MemoryBroker::new(sim.env());
    let (store, other) = (MemoryStore::with_env(sim.env()), MemoryStore::with_env(sim.env()));
    let library = Library { answers: Arc::default(), desk: store.clone() };
    let asked = library.clone();
    let http = sim.http("library", move |request, now| asked.answer(request, now));
    let broker = sim.broker("broker", memory.clone());
    let desk = start(&sim, desk::service, (&["desk-1", "desk-2"], store), &broker, &http);
    let clerk = start(&sim, clerk::service, (&["clerk-1"], other), &broker, &http);
    let lanes = watch_always(&sim, &desk, &clerk, &memory);
    let answers = ask_all(&sim, &desk);
    sim.sleep(Duration::from_secs(30)).await;
    let now_ms = sim.env().wall_ms();
    sim.heal();
    sim.sleep(Duration::from_secs(10)).await;
    let overdue = |context: &Context| {
        let healed = check::todos(&context.store)?;
        // Jobs may be due because the library does not answer; timers may not.
        let timers: Vec<_> = healed.into_iter().filter(|todo| todo.id.starts_with("timer/")).collect();
        check::nothing_is_overdue(&timers, now_ms, Duration::from_secs(5))
    };
    overdue(&desk)?;
    overdue(&clerk)?;
    let (desks, clerks) = (desk.store.clone(), clerk.store.clone());
    let left = || {
        let open = board(&desks).iter().filter(|(_, row)| row.closed == 1).count() as u64;
        let open = (open < QUESTIONS).then(|| format!("{open} of {QUESTIONS} questions are closed"));
        let todos = [&desks, &clerks].map(|store| check::todos(store).expect("to-dos of the runtime"));
        open.into_iter().chain(todos.into_iter().flatten().map(|todo| todo.id)).collect()
    };
    sim.quiesce(Duration::from_secs(120), left).await?;
    sim.sleep(Duration::from_secs(5)).await;
    heard_everything(&sim, &lanes, [&desk.store, &clerk.store])?;
    verify(&sim, &desk, &clerk, &memory, &library)?;

    let answers = answers.lock().expect("no client panics").clone();
    sim.check("clients answered", Ok(answers.len() as u64))?;
    for (question, answer) in answers {
        let again = insist(&sim, &desk.nodes, question).await?;
        if !again.replayed || again.reply != answer.reply {
            return Err(format!("{question} was answered {answer:?} and then {again:?}").into());
        }
    }
    Ok(())
}

/// Whether every fact of one had its effect in the other, behind their cursors and by what was told.
fn heard_everything(sim: &Sim, lanes: &[check::Lanes; 2], stores: [&MemoryStore; 2]) -> Result<(), Failure> {
    let [desk, clerk] = lanes;
    for (name, lanes) in [("I5 desk", desk), ("I5 clerk", clerk)] {
        sim.check(name, lanes.are_safe())?;
    }
    for (name, lanes, told) in [("I5 desk, all", desk, stores[1]), ("I5 clerk, all", clerk, stores[0])] {
        sim.check(name, lanes.have_applied(&check::facts_to_hear(told)?))?;
    }
    Ok(())
}

fn verify(sim: &Sim, desk: &Context, clerk: &Context, broker: &MemoryBroker, library: &Library) -> Result<(), Failure> {
    sim.check("I2 desk", check::atomic_publish(&desk.store, broker, "desk"))?;
    sim.check("I2 clerk", check::atomic_publish(&clerk.store, broker, "clerk"))?;
    sim.check("I3 desk", check::order_in_store(&desk.store))?;
    sim.check("I3 clerk", check::order_in_store(&clerk.store))?;
    sim.check("I3 desk topic", check::order_in_partitions(&desk.store, broker, "desk"))?;
    sim.check("I3 clerk topic", check::order_in_partitions(&clerk.store, broker, "clerk"))?;
    let all = || (0..QUESTIONS).map(name);
    sim.check("asked once", check::exactly_once(all(), happened(&desk.store, &["desk.asked"])))?;
    let closed = happened(&desk.store, &["desk.answered", "desk.expired"]);
    sim.check("answered or expired", check::exactly_once(all(), closed))?;
    sim.check("looked up once", check::exactly_once(all(), happened(&clerk.store, &["clerk.case-closed"])))?;
    let asked = library.answers.lock().expect("no answer panics").len() as u64;
    sim.check("the library's effects", if asked == QUESTIONS { Ok(asked) } else { Err(format!("{asked} lookups")) })?;
    let one = desk::Row { asked: 1, closed: 1 };
    sim.check("I10 board", check::converged(&board(&desk.store), &all().map(|id| (id, one)).collect()))?;
    let expired = happened(&desk.store, &["desk.expired"]).len();
    sim.check("hard questions expire", if expired >= 4 { Ok(expired as u64) } else { Err(format!("{expired}")) })?;
    if expired > 4 {
        sim.reached("an easy question expires");
    }
    if expired < QUESTIONS as usize {
        sim.reached("a question is answered");
    }
    assert!(desk.store.docs_of("lease").iter().any(|doc| doc.key == DocKey::new("lease", "relay/0")));
    Ok(())
}

#[test]
fn two_services_keep_every_rule_under_every_seed() {
    let stats = sim::search(0..60, Plan::swarm, scenario).unwrap_or_else(|failed| panic!("{failed}"));
    // Its clients ask one after another and use one body for each key; its process starts by its own event.
    let rare = [coverage::ONCE_REUSED, coverage::ONCE_OVERTAKEN, coverage::EARLY_INPUT];
    let met = coverage::ALL.into_iter().filter(|moment| !rare.contains(moment) || stats.reached.contains_key(moment));
    let ledger = Ledger::of(["a question is answered", "an easy question expires"]).and(met);
    ledger.settle(&stats).unwrap_or_else(|why| panic!("{why}: {stats}"));
}

#[test]
fn two_services_survive_the_death_of_any_node_at_any_step() {
    let stats = sim::sweep(1, &Plan::calm(), scenario).unwrap_or_else(|failed| panic!("{failed}"));
    assert!(stats.fired[&("crash", "node")] > 100, "{stats}");
}

#[test]
fn two_services_survive_a_crash_between_any_two_steps_of_a_sample() {
    let counted = sim::crash_points(1, &Plan::calm(), scenario);
    let (points, _) = counted.unwrap_or_else(|failed| panic!("{failed}"));
    let places = points.iter().step_by(points.len() / 40).map(|point| vec![point.clone()]);
    let crashed = sim::crash_each(1, &Plan::calm(), places, scenario).unwrap_or_else(|failed| panic!("{failed}"));
    assert_eq!(crashed.hit, crashed.places, "{crashed}");
    assert!(crashed.places >= 40, "{crashed} of {} steps", points.len());
}

/// Every bug, and the rule that names it.
const BUGS: [(&str, &str); 10] = [
    ("publish-before-commit", "I2 "),
    ("two-relays", "I3 "),
    ("position-before-effect", "I5 "),
    ("highest-offset", "I5 "),
    ("fact-lost", "I5 "),
    ("effect-before-mark", "I5 "),
    ("short-memory", "I5 "),
    ("lost-timer", "I9 "),
    ("timer-after-state", "I9 "),
    ("timer-in-memory", "I9 "),
];

#[test]
fn every_planted_bug_of_the_runtime_is_found_by_the_rule_that_is_there_for_it() {
    for (bug, rule) in BUGS {
        super::is_found_by(bug, rule, 0..100, scenario);
    }
}
