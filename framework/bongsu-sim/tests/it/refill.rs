//! History is cut, lost and published again, under all faults: whoever is behind gets everything once and in order,
//! whoever is not sees nothing of it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bongsu_core::{Aggregate, CommandId, Ctx, Decider, Metadata, Projection, Public, message};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{Adapters, Call, Deed, Once, Outcome, Reply, Runtime, Service, Settings};
use bongsu_sim::{self as sim, Failure, Moment, Node, Plan, Sim, SimAnswer, SimBroker, SimEnv, check};

const PLACES: u64 = 4;
/// Values measured at each place.
const VALUES: u64 = 12;

#[message("meter.measure", version = 1)]
struct Measure {
    place: String,
    value: u64,
}
#[message("meter.noted", version = 1)]
struct Noted {
    value: u64,
}
#[message("meter.measured", version = 1)]
struct Measured {
    place: String,
    value: u64,
}
#[message("meter.not-next", version = 1)]
struct NotNext {}

struct Meter;
/// The values of each place in the order heard.
struct Chart;

impl Aggregate for Meter {
    const NAME: &'static str = "place";
    type Event = Noted;
    type State = u64;

    fn evolve(state: &mut u64, event: &Noted) {
        *state = event.value;
    }
}

impl Decider for Meter {
    type Command = Measure;
    type Rejection = NotNext;

    fn target(&self, command: &Measure, _: &Ctx) -> String {
        command.place.clone()
    }

    fn decide(&self, state: &u64, command: Measure, _: &Ctx) -> Result<Vec<Noted>, NotNext> {
        if command.value == state + 1 { Ok(vec![Noted { value: command.value }]) } else { Err(NotNext {}) }
    }
}

impl Projection for Chart {
    const NAME: &'static str = "chart";
    const VERSION: u32 = 1;
    type Event = Measured;
    type Row = Vec<u64>;

    fn keys(event: &Measured) -> Vec<String> {
        vec![event.place.clone()]
    }

    fn fold(_: &str, row: Option<Vec<u64>>, event: &Measured, _: &Metadata) -> Option<Vec<u64>> {
        Some([row.unwrap_or_default(), vec![event.value]].concat())
    }
}

fn meter() -> Service {
    let fact = |id: &str, event: &Noted, _: &u64| {
        Some(Public::new(id, &Measured { place: id.to_owned(), value: event.value }))
    };
    Service::new("meter").decider(Meter, fact)
}

fn chart() -> Service {
    Service::new("chart").projection::<Chart>()
}

struct Fixture {
    broker: MemoryBroker,
    bus: SimBroker,
}

impl Fixture {
    /// The meter, with an instance in each of these slots.
    fn meter(&self, sim: &Sim, slots: &[&'static str]) -> (Vec<Node<Runtime>>, MemoryStore) {
        self.start(sim, ("meter", slots.to_vec()), meter)
    }

    /// A reader with a store of its own, whose lanes are watched.
    fn reader(&self, sim: &Sim, name: &'static str) -> Reader {
        let (mut nodes, store) = self.start(sim, (name, vec![name]), chart);
        let lanes = check::Lanes::of(name, store.clone(), self.broker.clone(), &chart());
        sim.watch("I5 lanes stay safe", lanes.stay_safe());
        Reader { node: nodes.remove(0), store, lanes }
    }

    fn start(
        &self,
        sim: &Sim,
        (name, slots): (&'static str, Vec<&'static str>),
        service: fn() -> Service,
    ) -> (Vec<Node<Runtime>>, MemoryStore) {
        let store = MemoryStore::with_env(sim.env());
        let (world, http) = (sim.store(name, store.clone()), sim.http(name, |_, _| SimAnswer::Hang));
        let nodes = slots.into_iter().map(|slot| {
            let (world, bus, http) = (world.clone(), self.bus.clone(), http.clone());
            sim.node(slot, move |env: Arc<SimEnv>| {
                let (store, broker, http) = (world.client(&env), bus.client(&env), http.client(&env));
                let settings = Settings { slot: slot.into(), partitions: 3, ..Settings::default() };
                async move { Runtime::start(service(), Adapters { store, broker, env, http }, settings) }
            })
        });
        (nodes.collect(), store)
    }
}

/// Who hears of everything.
struct Reader {
    node: Node<Runtime>,
    store: MemoryStore,
    lanes: check::Lanes,
}

fn rows(store: &MemoryStore) -> BTreeMap<String, Vec<u64>> {
    let rows = store.docs_of("chart@1.1").into_iter();
    rows.map(|doc| (doc.key.id.to_string(), serde_json::from_slice(&doc.data).expect("a row of the chart"))).collect()
}

fn expected() -> BTreeMap<String, Vec<u64>> {
    (0..PLACES).map(|place| (format!("p{place}"), (1..=VALUES).collect())).collect()
}

fn reply(outcome: &Outcome<'_>) -> Reply {
    let status = if matches!(outcome, Outcome::Accepted { .. }) { 200 } else { 409 };
    Reply { status, headers: Vec::new(), body: bytes::Bytes::new() }
}

async fn measure(runtime: Arc<Runtime>, place: u64, value: u64) -> bool {
    let key = format!("{place}-{value}");
    let ctx = Ctx::new(runtime.handle().env().wall_ms(), CommandId::from_parts(&[&key]), "client");
    let call = Call { ctx, once: Some(Once { key, body: "same".into() }) };
    let command = Measure { place: format!("p{place}"), value };
    runtime.handle().execute_any(&command, &call, &reply).await.is_ok()
}

/// One client per place measures value after value, each until it is answered.
fn measure_all(sim: &Sim, meters: &[Node<Runtime>]) -> Arc<Mutex<u64>> {
    let done = Arc::new(Mutex::new(0));
    for place in 0..PLACES {
        let (client, meters, done) = (sim.clone(), meters.to_vec(), done.clone());
        sim.spawn("client", async move {
            let mut dice = client.dice(&format!("place {place}"));
            for value in 1..=VALUES {
                client.sleep(Duration::from_millis(dice.below(2_500))).await;
                loop {
                    let meter = dice.pick(&meters).expect("there is a meter");
                    let asked = meter.ask("measure", move |runtime| measure(runtime, place, value));
                    if matches!(client.timeout(Duration::from_secs(2), asked).await, Some(Ok(true))) {
                        break;
                    }
                    client.sleep(Duration::from_millis(100)).await;
                }
            }
            *done.lock().expect("no client panics") += 1;
        });
    }
    done
}

/// Asks for everything to be published again until that is promised.
async fn republish(sim: &Sim, meters: &[Node<Runtime>]) -> Result<(), Failure> {
    for meter in meters.iter().cycle().take(1_000) {
        let asked = meter.ask("republish", |runtime: Arc<Runtime>| async move {
            let deed = Deed::new("olga", Some("history was lost")).expect("a deed");
            runtime.handle().operator().republish(None, &deed).await
        });
        if matches!(sim.timeout(Duration::from_secs(2), asked).await, Some(Ok(Ok(Some(_))))) {
            return Ok(());
        }
        sim.sleep(Duration::from_millis(100)).await;
    }
    Err(Failure::Stuck("nobody promises to publish again".into()))
}

/// `lose` takes history from the broker while one reader is down; another one joins only then.
async fn scenario(sim: Sim, lose: fn(&Fixture)) -> Result<(), Failure> {
    let broker = MemoryBroker::new(sim.env());
    let fixture = Fixture { bus: sim.broker("broker", broker.clone()), broker };
    let (meters, facts) = fixture.meter(&sim, &["meter"]);
    let (always, behind) = (fixture.reader(&sim, "always"), fixture.reader(&sim, "behind"));
    sim.watch("I2 published is committed", check::published_is_committed(facts.clone(), "meter"));
    let done = measure_all(&sim, &meters);
    let mut dice = sim.dice("when");
    sim.sleep(Duration::from_millis(2_000 + dice.below(5_000))).await;
    behind.node.crash();
    sim.sleep(Duration::from_millis(500 + dice.below(3_000))).await;
    lose(&fixture);
    let joins = fixture.reader(&sim, "joins");
    behind.node.restart();
    sim.sleep(Duration::from_millis(1_000 + dice.below(3_000))).await;
    republish(&sim, &meters).await?;
    if dice.below(2) == 0 {
        sim.sleep(Duration::from_millis(dice.below(3_000))).await;
        republish(&sim, &meters).await?;
        sim.reached("published again twice");
    }
    ends(&sim, &facts, [always, behind, joins], done).await
}

/// Everything is healed; in the end every reader has heard everything once and in order.
async fn ends(sim: &Sim, facts: &MemoryStore, readers: [Reader; 3], done: Arc<Mutex<u64>>) -> Result<(), Failure> {
    sim.sleep(Duration::from_secs(10)).await;
    sim.heal();
    readers.iter().filter(|reader| !reader.node.is_up()).for_each(|reader| reader.node.restart());
    let stores: Vec<MemoryStore> = readers.iter().map(|reader| reader.store.clone()).collect();
    let not_yet = || {
        let open = PLACES - *done.lock().expect("no client panics");
        let clients = (open > 0).then(|| format!("{open} clients"));
        let differ = stores.iter().filter_map(|store| check::converged(&rows(store), &expected()).err());
        clients.into_iter().chain(differ).collect()
    };
    let quiet = sim.quiesce(Duration::from_secs(300), not_yet).await;
    // What was lost says more than that the end is never reached.
    let to_hear = check::facts_to_hear(facts)?;
    for reader in &readers {
        sim.check("I5 every fact was applied", reader.lanes.have_applied(&to_hear))?;
    }
    quiet?;
    sim.sleep(Duration::from_secs(5)).await;
    for (name, reader) in ["I10 always there", "I10 was behind", "I10 joins late"].into_iter().zip(&readers) {
        sim.check(name, check::converged(&rows(&reader.store), &expected()))?;
    }
    sim.check("I3 order in the store", check::order_in_store(facts))
}

/// Which of these instances relays.
fn owner<'n>(store: &MemoryStore, meters: &'n [Node<Runtime>]) -> Option<&'n Node<Runtime>> {
    let lease = store.doc("lease", "relay/0")?;
    let lease: serde_json::Value = serde_json::from_slice(&lease.data).ok()?;
    meters.iter().find(|meter| lease["slot"] == meter.name())
}

/// Waits until something holds, for a minute at most; whether it does.
async fn until(sim: &Sim, every: Duration, holds: impl Fn() -> bool) -> bool {
    let last = sim.now() + Duration::from_secs(60);
    while !holds() && sim.now() < last {
        sim.sleep(every).await;
    }
    holds()
}

/// Two owners: the first stands still in the midst of publishing, another takes its place and publishes everything
/// again, and in the midst of that, while it stands still itself and a third instance goes on deciding, the first goes on
/// with the memory it had.
async fn two_owners(sim: Sim) -> Result<(), Failure> {
    const LONG: Duration = Duration::from_secs(60);
    let broker = MemoryBroker::new(sim.env());
    let site = Fixture { bus: sim.broker("broker", broker.clone()), broker };
    let (meters, facts) = site.meter(&sim, &["meter-1", "meter-2", "meter-3"]);
    let (always, behind) = (site.reader(&sim, "always"), site.reader(&sim, "behind"));
    let began = Arc::new(AtomicBool::new(false));
    let seen = began.clone();
    sim.watch("a refill begins", move |moment: &Moment<'_>| {
        let Moment::Published { batch, .. } = moment else { return Ok(0) };
        let begins = batch.iter().any(|out| String::from_utf8_lossy(&out.cloudevent).contains("bongsu.refill-began"));
        seen.fetch_or(begins, SeqCst);
        Ok(1)
    });
    let done = measure_all(&sim, &meters);
    let mut dice = sim.dice("when");
    sim.sleep(Duration::from_millis(2_000 + dice.below(3_000))).await;
    behind.node.crash();
    cut(&site);
    let joins = site.reader(&sim, "joins");
    // Just after a Commit its relay is between two calls.
    let before = facts.len();
    until(&sim, Duration::from_micros(200), || facts.len() > before).await;
    sim.sleep(Duration::from_micros(dice.below(5_000))).await;
    // Chance may just have killed the one that did.
    until(&sim, Duration::from_millis(1), || owner(&facts, &meters).is_some()).await;
    let Some(first) = owner(&facts, &meters) else { return Err("nobody relays".into()) };
    first.pause(LONG);
    behind.node.restart();
    let others: Vec<Node<Runtime>> = meters.iter().filter(|meter| meter.id() != first.id()).cloned().collect();
    republish(&sim, &others).await?;
    if until(&sim, Duration::from_micros(100), || began.load(SeqCst)).await {
        sim.sleep(Duration::from_micros(dice.below(3_000))).await;
        let second = owner(&facts, &meters).filter(|owner| owner.id() != first.id());
        second.iter().for_each(|second| second.pause(Duration::from_millis(1_200)));
        let decided = facts.len();
        until(&sim, Duration::from_millis(20), || facts.len() > decided).await;
        first.resume();
        sim.reached("the first owner goes on in the midst of the second one's refill");
    }
    ends(&sim, &facts, [always, behind, joins], done).await
}

fn cut(fixture: &Fixture) {
    fixture.broker.forget("meter");
}

fn replace(fixture: &Fixture) {
    fixture.bus.replaced();
    fixture.broker.lose_everything();
}

#[test]
fn a_cut_history_is_filled_for_whoever_is_behind_and_for_nobody_else() {
    let stats = sim::search(0..60, Plan::swarm, |sim| scenario(sim, cut)).unwrap_or_else(|failed| panic!("{failed}"));
    assert!(stats.reached.contains_key("published again twice"), "{stats}");
}

#[test]
fn a_lost_broker_is_filled_before_anything_else_is_told_to_it() {
    let lost = |sim| scenario(sim, replace);
    sim::search(0..60, Plan::swarm, lost).unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn killing_the_owner_or_a_reader_in_the_midst_of_a_refill_loses_nothing() {
    let owner =
        ["refill.publish", "relay.publish", "broker.publish.before", "broker.publish.after", "store.commit.after"];
    let reader = ["broker.fetch.before", "broker.fetch.after", "store.commit.before", "store.commit.applied"];
    let places = owner.map(|point| ("meter", point)).into_iter().chain(reader.map(|point| ("behind", point)));
    let mut killed = 0;
    for (node, point) in places {
        for hit in [1, 3, 9] {
            let outcome = sim::run(3, Plan::calm().crash_at(Some(node), point, hit), |sim| scenario(sim, cut));
            // One crash is the scenario's own.
            killed += outcome.fired("crash");
            outcome.expect("nothing is lost");
        }
    }
    assert!(killed > 30, "{killed}");
}

#[test]
fn going_on_with_what_is_left_is_found() {
    super::is_found_by("history-skipped", "I5 lanes stay safe", 0..20, |sim| scenario(sim, cut));
}

#[test]
fn an_owner_that_goes_on_in_the_midst_of_anothers_refill_loses_nothing() {
    let stats = sim::search(0..60, Plan::swarm, two_owners).unwrap_or_else(|failed| panic!("{failed}"));
    let met = stats.reached.get("the first owner goes on in the midst of the second one's refill");
    assert!(met.is_some_and(|met| *met > 20), "{stats}");
}
