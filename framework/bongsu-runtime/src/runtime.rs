//! A running service: its tasks, and how it starts and stops.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::Duration,
};

use futures::FutureExt;
use tokio::sync::{Notify, Semaphore};

use crate::{
    command::expire,
    commit::{cache::Cache, core::Core, partings::Partings, turns::Turns},
    consume::{fetch, lane::panic_text},
    handle::Handle,
    lease::{
        keeper::{Keeper, Leases},
        leave::leave,
    },
    operate::{
        orphans::look_for_orphans,
        readiness::{Health, watch_catch_up},
    },
    ports::{
        Fut,
        broker::Broker,
        env::{Env, HttpClient, Task},
        store::Store,
    },
    projection::{
        rebuild,
        shown::Generations,
        waiters::{self, Waiters},
    },
    query::feed::{self, Feed},
    relay::{
        publish,
        topics::ensure_topics,
        watch::{self, Verdicts},
    },
    service::Service,
    snapshot::{
        nightly,
        write::{self, Wanted},
    },
    todo::{drainer::Drainer, newer},
};

/// The adapters a service runs on.
#[derive(Clone)]
pub struct World {
    /// Where it keeps everything.
    pub store: Arc<dyn Store>,
    /// Where facts travel.
    pub broker: Arc<dyn Broker>,
    /// Time, chance and tasks.
    pub env: Arc<dyn Env>,
    /// The outside world, for activities.
    pub http: Arc<dyn HttpClient>,
}

/// How an instance runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names the instance: a process started in the same slot takes over at once.
    pub slot: String,
    /// Partitions of every topic; the same in all services of a system, and never changed.
    pub partitions: u32,
    /// Activities in work at once in this instance.
    pub activity_concurrency: usize,
    /// Longest pause between two attempts of anything that is retried.
    pub retry_cap_ms: i64,
    /// How long the broker keeps the context's facts; `None`: for ever, or as it was said before.
    pub retention_ms: Option<u64>,
    /// How many bytes of them it keeps at least in each partition; `None`: all, or as it was said before.
    pub retention_bytes: Option<u64>,
    /// Bytes of states and documents an instance remembers at most, by estimate.
    pub cache_bytes: usize,
    /// Names the build. A snapshot whose schema no author gave is used by the build that wrote it alone, so two builds
    /// that may fold differently must not have one name.
    pub build: String,
}

/// A running service. Dropping it stops its tasks at once, as a crash would; [`stop`](Self::stop) gives the
/// leases back first.
pub struct Runtime {
    core: Arc<Core>,
    tasks: Vec<Box<dyn Task>>,
}

/// How many fold the past of a stream at once: it may be long, and those who ask for the present come first.
const PAST: usize = 2;

impl Default for Settings {
    fn default() -> Self {
        Self {
            slot: "1".into(),
            partitions: 8,
            activity_concurrency: 32,
            retry_cap_ms: 5_000,
            retention_ms: None,
            retention_bytes: None,
            cache_bytes: 64 << 20,
            build: "unnamed".into(),
        }
    }
}

impl Runtime {
    /// Starts everything a service's map asks for. Returns at once; ask [`Handle::status`] when it is ready.
    ///
    /// # Panics
    /// When the map is wired wrong; ask [`Service::check`] before, where an error is wanted.
    pub fn start(service: Service, world: World, settings: Settings) -> Self {
        service.check().unwrap_or_else(|wrong| panic!("{wrong}"));
        let cache_bytes = settings.cache_bytes;
        let core = Arc::new(Core {
            service,
            store: world.store,
            broker: world.broker,
            env: world.env,
            http: world.http,
            settings,
            leases: Leases::default(),
            health: Health::default(),
            histories: Verdicts::default(),
            partings: Partings::default(),
            generations: Generations::default(),
            due: Notify::new(),
            rebuilds: Notify::new(),
            submitted: AtomicU64::new(0),
            cache: Mutex::new(Cache::new(cache_bytes)),
            feed: Feed::default(),
            waiters: Waiters::default(),
            folding: Turns::default(),
            past: Semaphore::new(PAST),
            wanted: Wanted::default(),
            planted: Mutex::default(),
        });
        let tasks = parts(&core);
        Self { core, tasks }
    }

    /// What adapters call.
    pub fn handle(&self) -> Handle {
        Handle { core: self.core.clone() }
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
    if !core.service.snapshots.is_empty() {
        tasks.push(keep_running(core, "snapshots", |core| Box::pin(write::run(core))));
    }
    if let Some(utc_offset_s) = core.service.midnight {
        tasks.push(keep_running(core, "midnight", move |core| Box::pin(nightly::run(core, utc_offset_s))));
    }
    for consumer in core.service.consumers.clone() {
        tasks.push(keep_running(core, "consumer", move |core| Box::pin(fetch::run(core, consumer.clone()))));
    }
    tasks
}

/// Runs a part of the service and, should it panic, logs that and runs it again: everything it knew is in the
/// store. A part that returns has finished.
pub(crate) fn keep_running<F>(core: &Arc<Core>, name: &'static str, part: F) -> Box<dyn Task>
where
    F: Fn(Arc<Core>) -> Fut<'static, ()> + Send + Sync + 'static,
{
    const PAUSE: Duration = Duration::from_millis(500);
    let shared = core.clone();
    let run = async move {
        while let Err(panic) = AssertUnwindSafe(part(shared.clone())).catch_unwind().await {
            tracing::error!(part = name, panic = panic_text(panic.as_ref()), "a part of the service panicked");
            shared.env.sleep(PAUSE).await;
        }
    };
    core.env.spawn(name, Box::pin(run))
}
