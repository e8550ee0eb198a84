//! The mall as nodes of the simulator: the same maps that run as processes.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bongsu_core::Aggregate;
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{
    Adapters, Runtime, Service, Settings,
    ports::{
        env::{Env, HttpRequest, HttpResponse},
        store::Doc,
    },
};
use bongsu_sim::{Node, Sim, SimAnswer, SimBroker, SimEnv, SimHttp, SimStore, check::Lanes};
use delivery::Who;
use sandbox::{
    api::{self, Reply},
    provider::{Behaviour, Mode, Provider},
};
use system_tests::{
    evidence::{Dump, Evidence, Op, TABLES, decode, shown},
    mall,
};

use crate::{history::Cut, planted, poison};

/// One seed of so many has the audit: it hears everything, so it costs as much as two of the others.
const AUDITED: u64 = 10;

/// The running mall and what survives its crashes.
#[derive(Clone)]
pub(crate) struct Mall {
    pub(crate) sim: Sim,
    pub(crate) stores: BTreeMap<&'static str, MemoryStore>,
    pub(crate) broker: MemoryBroker,
    pub(crate) provider: Arc<Mutex<Provider>>,
    pub(crate) door: SimBroker,
    pub(crate) nodes: BTreeMap<&'static str, Vec<Node<Runtime>>>,
    pub(crate) lanes: BTreeMap<&'static str, Lanes>,
    pub(crate) history: Arc<Mutex<Vec<Op>>>,
    /// Topics of which facts were forgotten.
    pub(crate) cut: Cut,
    /// Whether the newest build runs everywhere.
    pub(crate) rolled_out: Arc<AtomicBool>,
}

/// What may differ from run to run besides the faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Instances of every context.
    pub(crate) instances: u32,
    /// Who moves parcels.
    pub(crate) courier: Who,
    /// So long an order waits for stock and payment, in milliseconds.
    pub(crate) window_ms: i64,
    /// The context that begins with an older build.
    pub(crate) older: Option<&'static str>,
    /// A bug of the mall's own logic.
    pub(crate) bug: Option<&'static str>,
}

impl Shape {
    /// Two instances of everything, people who move parcels, little time, or an older build: in a quarter of all runs
    /// each.
    pub(crate) fn drawn(sim: &Sim, bug: Option<&'static str>) -> Self {
        let mut dice = sim.dice("shape");
        let instances = if dice.below(4) == 0 { 2 } else { 1 };
        let courier = if dice.below(4) == 0 { Who::Manual } else { Who::Auto };
        let window_ms = if dice.below(4) == 0 { 4_000 } else { 30_000 };
        let older = if dice.below(4) == 0 { dice.pick(&poison::MAY_BE_OLDER).copied() } else { None };
        Self { instances, courier, window_ms, older, bug }
    }

    /// What an instance of a context runs.
    fn build(self, context: &str, rolled_out: &AtomicBool) -> Service {
        match self.older == Some(context) && !rolled_out.load(SeqCst) {
            true => poison::older(context, self),
            false => self.map(context),
        }
    }

    /// How parcels are moved.
    pub(crate) fn delivery(self) -> delivery::Settings {
        delivery::Settings { courier: self.courier, ..Default::default() }
    }

    /// The map of a context in its newest build.
    pub(crate) fn map(self, context: &str) -> Service {
        if let Some(map) = planted::map(context, self.bug) {
            return map;
        }
        match context {
            "ordering" => {
                let window_ms = self.window_ms;
                // The simulated clock starts at midnight UTC.
                let (snapshot_every, snapshot_at, time_zone) = (3, "00:00:20".to_owned(), "UTC".to_owned());
                ordering::service(&ordering::settings::Settings { window_ms, snapshot_every, snapshot_at, time_zone })
            }
            "delivery" => delivery::service(&self.delivery()),
            _ => mall::map(context),
        }
    }
}

/// Who takes part in the run of a seed: whoever keeps something.
fn contexts(seed: u64) -> impl Iterator<Item = &'static str> {
    let keeps = |context: &&str| *context != "bff-web";
    let contexts = mall::CONTEXTS.into_iter().filter(keeps);
    contexts.filter(move |context| *context != "audit" || seed.is_multiple_of(AUDITED))
}

impl Mall {
    pub(crate) fn start(sim: &Sim, shape: Shape) -> Self {
        let broker = MemoryBroker::new(sim.env());
        let provider: Arc<Mutex<Provider>> = Arc::default();
        let (door, asked, clock) = (sim.broker("broker", broker.clone()), provider.clone(), sim.env());
        let outside = sim.http("provider", move |request, _| answer(&asked, request, clock.wall_ms()));
        let (mut stores, mut nodes, mut lanes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let rolled_out = Arc::<AtomicBool>::default();
        for context in contexts(sim.seed()) {
            let memory = MemoryStore::with_env(sim.env());
            let store: SimStore = sim.store(context, memory.clone());
            let started = (1..=shape.instances).map(|number| {
                let slot = format!("{context}-{number}");
                let (ports, rolled_out) = ((store.clone(), door.clone(), outside.clone()), rolled_out.clone());
                let map = move || shape.build(context, &rolled_out);
                sim.node(&slot.clone(), move |env| boot(map(), slot.clone(), &ports, env))
            });
            nodes.insert(context, started.collect());
            lanes.insert(context, Lanes::of(context, memory.clone(), broker.clone(), &shape.map(context)));
            stores.insert(context, memory);
        }
        let this = Self {
            sim: sim.clone(),
            stores,
            broker,
            provider,
            door,
            nodes,
            lanes,
            history: Arc::default(),
            cut: Cut::default(),
            rolled_out,
        };
        this.settle_in_time();
        this
    }

    /// One of the instances of a context, as the gateway would choose.
    pub(crate) fn node(&self, context: &str, turn: u64) -> Node<Runtime> {
        let nodes = &self.nodes[context];
        nodes[turn as usize % nodes.len()].clone()
    }

    /// How the provider behaves from now on.
    pub(crate) fn behave(&self, mode: Mode, delay_ms: u32) {
        let behaviour = serde_json::to_vec(&Behaviour { mode, delay_ms }).expect("encodes");
        tell(&self.provider, "PUT", "/behaviour", &behaviour, self.sim.env().wall_ms());
    }

    /// The state of one instance of an aggregate.
    pub(crate) fn state_of<A: Aggregate>(&self, context: &str, id: &str) -> A::State {
        let mut state = A::State::default();
        self.stores[context].look(|events| {
            decode::<A>(events).filter(|(of, _)| *of == id).for_each(|(_, event)| A::evolve(&mut state, &event));
        });
        state
    }

    /// What one store holds now.
    pub(crate) fn evidence_of(&self, context: &str) -> Dump {
        let store = &self.stores[context];
        let mut docs: Vec<Doc> = TABLES.iter().flat_map(|table| store.docs_of(table)).collect();
        let rows: Vec<Doc> = shown(&docs).iter().flat_map(|table| store.docs_of(table)).collect();
        docs.extend(rows);
        Dump::new(store.all_events(), store.look_at_facts(<[_]>::to_vec), docs)
    }

    /// What every store holds now, and what the world has seen.
    pub(crate) fn evidence(&self) -> Evidence {
        Evidence {
            stores: self.stores.keys().map(|context| (*context, self.evidence_of(context))).collect(),
            ledger: api::ledger(&self.provider.lock().unwrap_or_else(PoisonError::into_inner)),
            history: self.history.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Charges that are slow, or that arrived while the provider was down, are settled when time comes.
    fn settle_in_time(&self) {
        let (provider, env, sim) = (self.provider.clone(), self.sim.env(), self.sim.clone());
        self.sim.spawn("provider settles", async move {
            loop {
                sim.sleep(Duration::from_millis(200)).await;
                settle(&mut provider.lock().unwrap_or_else(PoisonError::into_inner), env.wall_ms());
            }
        });
    }
}

/// Starts one instance.
fn boot(
    map: Service,
    slot: String,
    (store, door, outside): &(SimStore, SimBroker, SimHttp),
    env: Arc<SimEnv>,
) -> impl Future<Output = Runtime> + Send + use<> {
    let (store, broker, http) = (store.client(&env), door.client(&env), outside.client(&env));
    let adapters = Adapters { store, broker, http, env: env as Arc<dyn Env> };
    let settings = Settings { slot, partitions: 2, ..Settings::default() };
    async move { Runtime::start(map, adapters, settings) }
}

/// The provider as an outside party: what it was asked takes effect when it arrives.
fn answer(provider: &Arc<Mutex<Provider>>, request: &HttpRequest, now_ms: i64) -> SimAnswer {
    let path = request.url.split_once("//").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    let reply = tell(provider, request.method, &format!("/{path}"), &request.body, now_ms);
    let (status, body) = match reply {
        Reply::Now(status, body) => (status, body),
        Reply::Settled(key) => api::outcome(&provider.lock().unwrap_or_else(PoisonError::into_inner), &key),
    };
    let body = serde_json::to_vec(&body).expect("encodes").into();
    SimAnswer::Now(HttpResponse { status, body })
}

fn tell(provider: &Arc<Mutex<Provider>>, method: &str, path: &str, body: &[u8], now_ms: i64) -> Reply {
    let mut provider = provider.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = api::answer(&provider, method, path, body, now_ms);
    answer.entries.iter().for_each(|entry| provider.apply(entry));
    settle(&mut provider, now_ms);
    answer.reply
}

fn settle(provider: &mut Provider, now_ms: i64) {
    let entries = provider.settle(now_ms);
    entries.iter().for_each(|entry| provider.apply(entry));
}
