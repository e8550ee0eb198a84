//! Facts that cannot be handled: they park their key and nothing else (I16), those in a schema from the future too
//! (I17), and once they can be handled, or are given up, nothing was lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bongsu_core::{Metadata, Projection, message};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{
    Adapters, Deed, Runtime, Service, Settings,
    ports::broker::{Broker, Out, Producer, Topic},
};
use bongsu_sim::{self as sim, Failure, Node, Plan, Sim, SimAnswer, SimEnv, SimStore, check};
use serde_json::json;

const PLACES: u64 = 12;
const FACTS: u64 = 6;
/// The fact of a place that is strange, if any is.
const STRANGE: u64 = 3;

#[message("meter.measured", version = 1)]
struct Measured {
    place: String,
    value: u64,
}

/// What a later build reads.
#[message("meter.measured", version = 2, from = Measured)]
struct MeasuredTwo {
    place: String,
    value: u64,
    unit: String,
}

impl From<Measured> for MeasuredTwo {
    fn from(old: Measured) -> Self {
        MeasuredTwo { place: old.place, value: old.value, unit: String::new() }
    }
}

/// The values of each place in the order heard: in this build and in a later one.
struct Chart;
struct LaterChart;

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

impl Projection for LaterChart {
    const NAME: &'static str = "chart";
    const VERSION: u32 = 1;
    type Event = MeasuredTwo;
    type Row = Vec<u64>;

    fn keys(event: &MeasuredTwo) -> Vec<String> {
        vec![event.place.clone()]
    }

    fn fold(_: &str, row: Option<Vec<u64>>, event: &MeasuredTwo, _: &Metadata) -> Option<Vec<u64>> {
        Some([row.unwrap_or_default(), vec![event.value]].concat())
    }
}

fn chart(later: bool) -> Service {
    let service = Service::new("chart");
    if later { service.projection::<LaterChart>() } else { service.projection::<Chart>() }
}

fn place(number: u64) -> String {
    format!("p{number}")
}

/// A third of the places has a fact that is broken for good, a third one that only a later build reads.
fn is_poisoned(place: u64) -> bool {
    place % 3 == 1
}

fn is_from_the_future(place: u64) -> bool {
    place % 3 == 2
}

fn fact(number: u64, value: u64) -> Out {
    let subject = format!("meter/{}", place(number));
    let strange = value == STRANGE;
    let (schema, data) = match strange {
        true if is_poisoned(number) => (1, json!({ "place": place(number), "value": "much" })),
        true if is_from_the_future(number) => (2, json!({ "place": place(number), "value": value, "unit": "kg" })),
        _ => (1, json!({ "place": place(number), "value": value })),
    };
    let event = json!({
        "specversion": "1.0", "id": format!("{number}-{value}"), "source": "meter", "sequence": value, "data": data,
        "type": format!("meter.measured.v{schema}"), "subject": subject, "partitionkey": place(number),
    });
    let position = (value - 1) * PLACES + number + 1;
    Out {
        topic: "meter".into(),
        partition_key: place(number),
        position,
        ordinal: 0,
        commit: None,
        cloudevent: event.to_string().into(),
    }
}

fn rows(store: &MemoryStore) -> BTreeMap<String, Vec<u64>> {
    let rows = store.docs_of("chart@1.1").into_iter();
    rows.map(|doc| (doc.key.id.to_string(), serde_json::from_slice(&doc.data).expect("a row of the chart"))).collect()
}

/// What the chart is to show when the strange facts wait, or when they were dealt with.
fn expected(waiting: bool) -> BTreeMap<String, Vec<u64>> {
    let row = |number: u64| match (is_poisoned(number), is_from_the_future(number)) {
        (true, _) | (_, true) if waiting => (1..STRANGE).collect(),
        (true, _) => (1..=FACTS).filter(|value| *value != STRANGE).collect(),
        _ => (1..=FACTS).collect(),
    };
    (0..PLACES).map(|number| (place(number), row(number))).collect()
}

fn differ(store: &MemoryStore, waiting: bool) -> Vec<String> {
    check::converged(&rows(store), &expected(waiting)).err().into_iter().collect()
}

struct Lab {
    node: Node<Runtime>,
    store: MemoryStore,
    disk: SimStore,
    broker: MemoryBroker,
    lanes: check::Lanes,
    later: Arc<AtomicBool>,
}

async fn boot(sim: &Sim) -> Result<Lab, Failure> {
    let broker = MemoryBroker::new(sim.env());
    let topic = Topic { name: "meter".into(), partitions: 3, retention_ms: None, retention_bytes: None };
    broker.ensure(topic).await.map_err(|error| error.to_string())?;
    let (store, later) = (MemoryStore::with_env(sim.env()), Arc::new(AtomicBool::new(false)));
    let (world, bus) = (sim.store("chart", store.clone()), sim.broker("broker", broker.clone()));
    let (disk, (http, build)) = (world.clone(), (sim.http("nobody", |_, _| SimAnswer::Hang), later.clone()));
    let node = sim.node("chart", move |env: Arc<SimEnv>| {
        let (store, broker, http) = (world.client(&env), bus.client(&env), http.client(&env));
        let service = chart(build.load(SeqCst));
        let settings = Settings { partitions: 3, ..Settings::default() };
        async move { Runtime::start(service, Adapters { store, broker, env, http }, settings) }
    });
    let lanes = check::Lanes::of("chart", store.clone(), broker.clone(), &chart(false));
    sim.watch("I5 I16 I17 always", lanes.stay_safe());
    Ok(Lab { node, store, disk, broker, lanes, later })
}

/// Gives up everything that is broken: an operator who is not always answered, and has nothing to do with what waits for a
/// later build.
async fn deal_with_all(sim: &Sim, lab: &Lab) -> Result<(), Failure> {
    for _ in 0..1_000 {
        let asked = lab.node.ask("deal", |runtime: Arc<Runtime>| async move {
            let (handle, deed) = (runtime.handle(), Deed::new("olga", Some("looked at")).expect("a deed"));
            for parked in handle.operator().parked().await.ok()? {
                if !parked.newer {
                    handle.operator().evict(&parked.id, &deed).await.ok()?;
                }
            }
            Some(())
        });
        if sim.timeout(Duration::from_secs(5), asked).await.is_some_and(|asked| matches!(asked, Ok(Some(())))) {
            return Ok(());
        }
        sim.sleep(Duration::from_millis(200)).await;
    }
    Err(Failure::Stuck("an operator is never answered".into()))
}

async fn scenario(sim: Sim) -> Result<(), Failure> {
    let lab = boot(&sim).await?;
    for value in 1..=FACTS {
        for number in 0..PLACES {
            let meter = Producer::new("meter", 1);
            lab.broker.publish(meter, vec![fact(number, value)]).await.map_err(|error| error.to_string())?;
        }
        sim.sleep(Duration::from_secs(2)).await;
    }
    sim.heal();
    let store = lab.store.clone();
    sim.quiesce(Duration::from_secs(60), || differ(&store, true)).await?;
    let todos = check::todos(&lab.store)?;
    let parked: BTreeSet<String> = todos.into_iter().filter(|todo| todo.parked).map(|todo| todo.id).collect();
    let strange = (0..PLACES).filter(|number| is_poisoned(*number) || is_from_the_future(*number));
    let strange = strange.map(|number| format!("fact/chart@1.1/{}", place(number)));
    sim.check("I16 what cannot be handled is parked", check::exactly_once(strange, parked))?;

    lab.later.store(true, SeqCst);
    lab.node.crash();
    lab.node.restart();
    sim.sleep(Duration::from_secs(5)).await;
    deal_with_all(&sim, &lab).await?;
    sim.quiesce(Duration::from_secs(60), || differ(&store, false)).await?;
    sim.check("nothing is lost", check::converged(&rows(&lab.store), &expected(false)))?;
    let left = check::todos(&lab.store)?.len();
    sim.check("nothing is left", if left == 0 { Ok(1) } else { Err(format!("{left} to-dos")) })?;
    let deeds = lab.store.all_events().into_iter().filter(|event| event.stream.starts_with("operator/"));
    let strange = (0..PLACES).filter(|number| is_poisoned(*number)).count();
    sim.check("deeds are written down", if deeds.count() >= strange { Ok(1) } else { Err("missing".into()) })?;
    sim.check("I5 at the end", lab.lanes.are_safe())
}

#[test]
fn strange_facts_park_their_key_and_nothing_else_and_nothing_is_lost() {
    sim::search(0..40, Plan::swarm, scenario).unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn skipping_poison_and_dropping_unknown_schemas_are_found() {
    for bug in ["poison-skipped", "unknown-event-dropped"] {
        super::is_found_by(bug, "I5 I16 I17 always", 0..5, scenario);
    }
}

/// A minute without its store, in which facts come; what the lanes say of it.
async fn without_a_store(sim: Sim) -> Result<(), Failure> {
    let lab = boot(&sim).await?;
    let meter = Producer::new("meter", 1);
    for (value, rest) in [(1, 5), (2, 60)] {
        let batch = (0..PLACES).map(|number| fact(number, value)).collect();
        lab.broker.publish(meter, batch).await.map_err(|error| error.to_string())?;
        if rest == 60 {
            lab.disk.take_down(Duration::from_secs(60));
        }
        sim.sleep(Duration::from_secs(rest)).await;
    }
    let store = lab.store.clone();
    let behind = || rows(&store).values().filter(|row| **row != [1, 2]).map(|row| format!("{row:?}")).collect();
    sim.quiesce(Duration::from_secs(8), behind).await?;
    // A lane says that it goes on after its row is there.
    sim.sleep(Duration::from_secs(1)).await;
    Ok(())
}

#[test]
fn a_lane_without_its_store_says_so_once_and_goes_on_soon_after() {
    let plan = Plan { logs: true, trace: 1_000_000, ..Plan::calm() };
    let outcome = sim::run(1, plan, without_a_store);
    let told = |what: &str| outcome.trace.iter().filter(|line| line.contains(what)).count();
    let (stopped, again) = (told("facts cannot be handled now"), told("facts are handled again"));
    assert!((1..=3).contains(&stopped) && stopped == again, "{stopped} of 3 lanes stopped, {again} went on: {outcome}");
    outcome.expect("the lanes go on");
}
