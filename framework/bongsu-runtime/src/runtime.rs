//! A running service: its tasks, and how it starts and stops.

use std::sync::{Arc, Mutex, atomic::AtomicU64};

use tokio::sync::{Notify, Semaphore};

use crate::{
    ask::peers::Peers,
    command::expire,
    commit::{
        cache::Cache,
        core::Core,
        due::Due,
        generations::Generations,
        health::Health,
        leases::Leases,
        partings::Partings,
        rules::{OtherRules, Rules},
        seats::Feed,
        settings::Settings,
        tasks::keep_running,
        turns::Turns,
        verdicts::Verdicts,
        waiters::Waiters,
        wanted::Wanted,
    },
    consume::fetch,
    handle::Handle,
    lease::{keeper::Keeper, leave::leave},
    operate::{orphans::look_for_orphans, readiness::watch_catch_up},
    ports::{
        broker::Broker,
        env::{Env, HttpClient, Task},
        store::Store,
    },
    projection::{rebuild, waiters},
    query::feed,
    relay::{publish, topics::ensure_topics, watch},
    service::Service,
    snapshot::write,
    todo::{clock, drainer::Drainer, newer},
};

/// The adapters a service runs on.
#[derive(Clone)]
pub struct Adapters {
    /// Where it keeps everything.
    pub store: Arc<dyn Store>,
    /// Where facts travel.
    pub broker: Arc<dyn Broker>,
    /// Time, chance and tasks.
    pub env: Arc<dyn Env>,
    /// The outside world, for activities.
    pub http: Arc<dyn HttpClient>,
}

/// A running service. Dropping it stops its tasks at once, as a crash would; [`stop`](Self::stop) gives the
/// leases back first.
pub struct Runtime {
    core: Arc<Core>,
    tasks: Vec<Box<dyn Task>>,
}

/// How many fold the past of a stream at once: it may be long, and those who ask for the present come first.
const PAST: usize = 2;

impl Runtime {
    /// Starts everything a service's map asks for. Returns at once; ask [`Handle::status`] when it is ready.
    ///
    /// # Panics
    /// When the map is wired wrong; ask [`Service::check`] before, where an error is wanted.
    pub fn start(service: Service, adapters: Adapters, settings: Settings) -> Self {
        service.check().unwrap_or_else(|wrong| panic!("{wrong}"));
        let cache_bytes = settings.cache_bytes;
        let mut map = service.map;
        let rules =
            Rules { revision: settings.revision.clone(), handlers: Arc::new(std::mem::take(&mut map.handlers)) };
        let peers = Peers::new(&map.asks, &adapters.env, &adapters.http);
        let core = Arc::new(Core {
            map,
            rules: Mutex::new(Arc::new(rules)),
            store: adapters.store,
            broker: adapters.broker,
            env: adapters.env,
            http: adapters.http,
            peers,
            settings,
            leases: Leases::default(),
            health: Health::default(),
            histories: Verdicts::default(),
            partings: Partings::default(),
            generations: Generations::default(),
            due: Due::default(),
            rebuilds: Notify::new(),
            submitted: AtomicU64::new(0),
            cache: Mutex::new(Cache::new(cache_bytes)),
            feed: Feed::default(),
            waiters: Waiters::default(),
            folding: Turns::default(),
            past: Semaphore::new(PAST),
            wanted: Wanted::default(),
        });
        let tasks = parts(&core);
        Self { core, tasks }
    }

    /// What adapters call.
    pub fn handle(&self) -> Handle {
        Handle { core: self.core.clone() }
    }

    /// Inputs that come from now on are decided under a configuration of that name, and by the deciders and decisions of
    /// `service` if there is one; whoever has begun ends by those he began with. Everything else of a map (whom it hears, its
    /// processes, clocks and read models) stays what it was started with.
    ///
    /// # Errors
    /// [`OtherRules`] for a map that takes other commands.
    pub fn decide_by(&self, revision: Arc<str>, service: Option<Service>) -> Result<(), OtherRules> {
        self.core.decide_by(revision, service.map(|service| (service.map.name, service.map.handlers)))
    }

    /// Stops the tasks and gives the leases back, so that another instance goes on at once.
    pub async fn stop(mut self) {
        self.tasks.clear();
        leave(&self.core).await;
    }
}

/// Everything that runs in an instance.
fn parts(core: &Arc<Core>) -> Vec<Box<dyn Task>> {
    let mut tasks = vec![
        keep_running(core, "topics", |core| Box::pin(ensure_topics(core))),
        keep_running(core, "leases", |core| Box::pin(Keeper::new(core).run())),
        keep_running(core, "history", |core| Box::pin(watch::watch(core))),
        keep_running(core, "orphans", |core| Box::pin(look_for_orphans(core))),
        keep_running(core, "relay", |core| Box::pin(publish::run(core))),
        keep_running(core, "drainer", |core| Box::pin(Drainer::new(core).run())),
        keep_running(core, "newer", |core| Box::pin(newer::run(core))),
        keep_running(core, "forgetting", |core| Box::pin(expire::run(core))),
        keep_running(core, "catch-up", |core| Box::pin(watch_catch_up(core))),
        keep_running(core, "rebuild", |core| Box::pin(rebuild::run(core))),
        keep_running(core, "followers", |core| Box::pin(feed::run(core))),
        keep_running(core, "waiters", |core| Box::pin(waiters::run(core))),
    ];
    if !core.map.snapshots.is_empty() {
        tasks.push(keep_running(core, "snapshots", |core| Box::pin(write::run(core))));
    }
    if !core.map.clocks.is_empty() {
        tasks.push(keep_running(core, "clocks", |core| Box::pin(clock::run(core))));
    }
    for consumer in core.map.consumers.clone() {
        tasks.push(keep_running(core, "consumer", move |core| Box::pin(fetch::run(core, consumer.clone()))));
    }
    tasks
}
