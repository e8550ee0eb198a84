//! The mall as nodes of the simulator: the same maps that run as processes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bongsu_runtime::{
    Runtime, Service, Settings, World,
    ports::{
        env::{Env, HttpRequest, HttpResponse},
        store::Doc,
    },
};
use bongsu_testing::{
    MemoryBroker, MemoryStore,
    sim::{Node, Sim, SimAnswer, SimEnv, SimStore, check},
};
use sandbox::{
    api::{self, Reply},
    provider::{Behaviour, Mode, Provider},
};
use system_tests::evidence::{Dump, Evidence, Op, TABLES, shown};

/// The contexts, in no order.
const CONTEXTS: [&str; 5] = ["product", "ordering", "payment", "delivery", "mypage"];
/// One seed of so many has the audit, too: it hears everything, so it costs as much as two of the others.
const AUDITED: u64 = 10;

/// The running mall and what survives its crashes.
#[derive(Clone)]
pub(crate) struct Mall {
    pub(crate) sim: Sim,
    pub(crate) stores: BTreeMap<&'static str, MemoryStore>,
    pub(crate) broker: MemoryBroker,
    pub(crate) provider: Arc<Mutex<Provider>>,
    pub(crate) nodes: BTreeMap<&'static str, Node<Runtime>>,
    pub(crate) history: Arc<Mutex<Vec<Op>>>,
}

/// The map of a context. `phantom` plants the bug of a release that gives back what was never taken.
pub(crate) fn map(context: &str, phantom: bool) -> Service {
    match context {
        "product" if phantom => product_service::service_with_phantom_stock(),
        "product" => product_service::service(),
        "ordering" => ordering_service::service(&ordering_service::settings::Settings::default()),
        "payment" => payment_service::service(&payment_service::settings::Settings::default()),
        "delivery" => delivery_service::service(&delivery_service::settings::Settings::default()),
        "audit" => audit_service::service(&audit_service::settings::Settings::default()),
        _ => mypage_service::service(),
    }
}

/// Who takes part in the run of a seed.
fn contexts(seed: u64) -> impl Iterator<Item = &'static str> {
    CONTEXTS.into_iter().chain(seed.is_multiple_of(AUDITED).then_some("audit"))
}

impl Mall {
    pub(crate) fn start(sim: &Sim, phantom: bool) -> Self {
        let broker = MemoryBroker::new(sim.env());
        let provider: Arc<Mutex<Provider>> = Arc::default();
        let (door, asked, clock) = (sim.broker("broker", broker.clone()), provider.clone(), sim.env());
        let outside = sim.http("provider", move |request, _| answer(&asked, request, clock.wall_ms()));
        let mut stores = BTreeMap::new();
        let mut nodes = BTreeMap::new();
        for context in contexts(sim.seed()) {
            let memory = MemoryStore::with_env(sim.env());
            if context != "mypage" {
                sim.watch(context, check::published_is_committed(memory.clone(), context));
            }
            let rule = check::lanes_stay_safe(context, memory.clone(), broker.clone(), map(context, false));
            sim.watch("I5 offsets stay safe", rule);
            let store: SimStore = sim.store(context, memory.clone());
            let (door, outside) = (door.clone(), outside.clone());
            let boot = move |env: Arc<SimEnv>| {
                let world = World {
                    store: store.client(&env),
                    broker: door.client(&env),
                    http: outside.client(&env),
                    env: env.clone() as Arc<dyn Env>,
                };
                let settings = Settings { slot: format!("{context}-1"), partitions: 2, ..Settings::default() };
                async move { Runtime::start(map(context, phantom), world, settings) }
            };
            nodes.insert(context, sim.node(context, boot));
            stores.insert(context, memory);
        }
        let this = Self { sim: sim.clone(), stores, broker, provider, nodes, history: Arc::default() };
        this.settle_in_time();
        this
    }

    /// How the provider behaves from now on.
    pub(crate) fn behave(&self, mode: Mode, delay_ms: u32) {
        let behaviour = serde_json::to_vec(&Behaviour { mode, delay_ms }).expect("encodes");
        tell(&self.provider, "PUT", "/behaviour", &behaviour, self.sim.env().wall_ms());
    }

    pub(crate) fn evidence(&self) -> Evidence {
        let dump = |store: &MemoryStore| {
            let mut docs: Vec<Doc> = TABLES.iter().flat_map(|table| store.docs_of(table)).collect();
            let rows: Vec<Doc> = shown(&docs).iter().flat_map(|table| store.docs_of(table)).collect();
            docs.extend(rows);
            Dump { events: store.all_events(), docs }
        };
        Evidence {
            stores: self.stores.iter().map(|(context, store)| (*context, dump(store))).collect(),
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
