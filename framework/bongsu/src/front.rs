//! A service's whole `main`.

use std::{ffi::OsString, io::Write as _, path::Path, process::ExitCode, rc::Rc, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::Router;
use bongsu_host::{
    HyperClient, TokioEnv, check_clock,
    config::{
        Config, ConfigError, Loaded, Watch, environment,
        schema::{self, Setting},
    },
    directory::Directory,
    health::Health,
    host::Host,
    logs::Logs,
    operator, pages, plain, revision,
    server::{self, Bound},
    stop::Stop,
};
use bongsu_keys::Keys;
use bongsu_runtime::{
    Adapters, Handle, Runtime, Service, Settings,
    ports::{
        env::{Env, Task},
        store::Store,
    },
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    adapters::{EmbeddedBroker, open_broker, open_store},
    build,
};

/// How long anything may take after the last request was answered.
const LAST_MOMENT: Duration = Duration::from_secs(2);
/// How often readiness is looked at until it is announced.
const READY_POLL: Duration = Duration::from_millis(10);

/// A started service.
struct Running {
    runtime: Runtime,
    store: Arc<dyn Store>,
    broker: Option<EmbeddedBroker>,
    env: Arc<dyn Env>,
    keys: Option<Keys>,
}

/// Runs a service until it is told to stop: reads flags, environment and file; opens store and broker by
/// URL; starts the runtime; serves the routes with every convention of [`bongsu_host`]; ends cleanly.
///
/// `S` is the `[service]` table of the configuration. `service` is the context's map, `routes` its HTTP
/// adapter; both are given the settings. What keeps it from starting is one line on stderr and exit code 1, or
/// [`ConfigError::REFUSED`] when it is a setting.
pub fn main<S: Serialize + DeserializeOwned + 'static>(
    name: &'static str,
    service: impl FnOnce(&S) -> Service,
    routes: impl FnOnce(Handle, &S) -> Router,
) -> ExitCode {
    main_as(name, std::env::args_os(), service, routes)
}

/// As [`main()`], for a service of whose own settings some are taken while it runs: `live` names them, as in
/// `["window_ms"]`. For each configuration the map is made anew, and its deciders and decisions decide what comes from then on
/// (see [`Runtime::decide_by`]): what else depends on a setting (a policy, a process, a clock, a route) keeps what it was
/// started with, so such a setting is not to be named.
pub fn main_live<S: Serialize + DeserializeOwned + 'static>(
    name: &'static str,
    live: &[&str],
    service: impl Fn(&S) -> Service + 'static,
    routes: impl FnOnce(Handle, &S) -> Router,
) -> ExitCode {
    let live: Vec<String> = live.iter().map(|key| format!("service.{key}")).collect();
    let service = Rc::new(service);
    let again = Rc::clone(&service);
    let make: Make = Box::new(move |loaded| loaded.service().map(|settings: S| Some(again(&settings))));
    let args = std::env::args_os().collect();
    end(name, run(name, args, Box::new(|loaded| prepare(loaded, &live, move |s: &S| service(s), routes, make))))
}

/// As [`main()`], with the flags given here (the first is the program): for a program that is several services.
pub fn main_as<S: Serialize + DeserializeOwned + 'static>(
    name: &'static str,
    args: impl IntoIterator<Item = OsString>,
    service: impl FnOnce(&S) -> Service,
    routes: impl FnOnce(Handle, &S) -> Router,
) -> ExitCode {
    let args = args.into_iter().collect();
    // Nothing of its own changes while it runs, but everything is read to see that it can be meant.
    let make: Make = Box::new(|loaded| loaded.service::<S>().map(|_| None));
    // Everything behind this knows no type of the service: it is compiled once, and not again for every binary.
    end(name, run(name, args, Box::new(|loaded| prepare(loaded, &[], service, routes, make))))
}

fn end(name: &str, outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => plain::failed(name, &format_args!("{error:#}"), error.downcast_ref()),
    }
}

/// A service whose settings are read, before it is made.
struct Prepared<'a> {
    /// What can be set of it.
    settings: Vec<Setting>,
    start: Start<'a>,
    make: Make,
}
/// Reads its own settings again, and makes its map of them where they may change while it runs.
type Make = Box<dyn Fn(&mut Loaded) -> Result<Option<Service>, ConfigError>>;
/// Makes it.
type Start<'a> = Box<dyn FnOnce() -> (Service, Routes<'a>) + 'a>;
/// Its HTTP adapter.
type Routes<'a> = Box<dyn FnOnce(Handle) -> Router + 'a>;
/// Reads its settings.
type Prepare<'a> = Box<dyn FnOnce(&mut Loaded) -> anyhow::Result<Prepared<'a>> + 'a>;

fn prepare<'a, S: Serialize + DeserializeOwned + 'a>(
    loaded: &mut Loaded,
    live: &[String],
    service: impl FnOnce(&S) -> Service + 'a,
    routes: impl FnOnce(Handle, &S) -> Router + 'a,
    make: Make,
) -> anyhow::Result<Prepared<'a>> {
    let own: S = loaded.service()?;
    let live: Vec<&str> = live.iter().map(String::as_str).collect();
    let settings = schema::settings::<S>(&loaded.config, &live);
    let start = move || -> (Service, Routes<'a>) {
        let map = service(&own);
        (map, Box::new(move |handle| routes(handle, &own)))
    };
    Ok(Prepared { settings, start: Box::new(start), make })
}

fn run(name: &'static str, args: Vec<OsString>, prepare: Prepare<'_>) -> anyhow::Result<()> {
    let mut loaded = Loaded::load(name, args, environment())?;
    let prepared = prepare(&mut loaded)?;
    if loaded.print {
        return std::io::stdout().write_all(loaded.config.to_toml().as_bytes()).context("cannot print");
    }
    check_clock()?;
    let Prepared { settings, start, make } = prepared;
    let logs = Logs::start(&loaded.config)?;
    let watch = Watch::of(&loaded, settings.clone());
    let config = loaded.config;
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start tokio")?;
    let outcome = tokio.block_on(async {
        // The signals first: a process asked to stop while it starts must not be deaf to it.
        let stop = Stop::from_process().context("cannot listen to signals")?;
        let bound = server::bind(config.listen).await?;
        let (service, routes) = start();
        let running = Running::start(service, &config).await?;
        logs.settings(&settings);
        let take = |service, config: &Config| running.decide_by(service, config);
        let follow = revision::follow(watch, running.env.as_ref(), &logs, make, take);
        let served = tokio::select! { biased;
            served = running.serve(bound, routes, &config, &logs, &stop) => served,
            () = follow => Ok(()),
        };
        running.end().await;
        tracing::info!("stopped");
        served
    });
    tokio.shutdown_timeout(LAST_MOMENT);
    logs.flush(LAST_MOMENT);
    outcome
}

/// Whether a map asks those whom the system lets it ask, all of them and nobody else: the gateway names people to exactly these.
fn agree(service: &Service, directory: &Directory, file: &str) -> Result<(), ConfigError> {
    let (name, asks) = (service.name(), service.asked_peers());
    let known = directory.names();
    let unknown = asks.iter().find(|asked| !known.iter().any(|known| known == *asked));
    let unasked = known.iter().find(|known| !asks.contains(known.as_str()));
    let reason = match (unknown, unasked) {
        (Some(one), _) => {
            format!("{name} asks {one}, which the system does not say: asks = [\"{one}\"] of {name} in bongsu.toml")
        }
        (None, Some(one)) => format!("{name} does not ask {one}, and asks of {name} in bongsu.toml has it"),
        (None, None) => return Ok(()),
    };
    Err(ConfigError::BadValue { key: "directory".to_owned(), source_name: file.to_owned(), reason })
}

impl Running {
    /// Has what comes from now on decided under another configuration.
    fn decide_by(&self, service: Option<Service>, config: &Config) -> Result<(), ConfigError> {
        let taken = self.runtime.decide_by(config.revision.as_str().into(), service);
        taken.map_err(|why| ConfigError::BadValue {
            key: "service".to_owned(),
            source_name: "the configuration".to_owned(),
            reason: why.to_string(),
        })
    }

    async fn start(service: Service, config: &Config) -> anyhow::Result<Self> {
        anyhow::ensure!(service.name() == config.name, "the map of {} was given to {}", service.name(), config.name);
        service.check()?;
        let directory = config.open_directory()?;
        if let Some(directory) = &directory {
            agree(&service, directory, &config.directory)?;
        }
        let env: Arc<dyn Env> = Arc::new(TokioEnv::from_process()?);
        let store = open_store(&config.store)?;
        let keys = config.open_keys()?;
        let (broker, embedded) = open_broker(&config.broker, &env, keys.clone()).await?;
        if keys.is_none() {
            tracing::warn!("no keys were given: whoever reaches this process on this machine is believed");
        }
        let outside = match config.trust.as_str() {
            "" => HyperClient::new(),
            file => HyperClient::trusting(Path::new(file)).context("trust")?,
        };
        let http = Arc::new(outside.among(directory));
        let adapters = Adapters { store: Arc::clone(&store), broker, env: Arc::clone(&env), http };
        let settings = Settings {
            slot: config.slot.clone(),
            partitions: config.partitions,
            activity_concurrency: config.activity_concurrency,
            retention_ms: config.retention_ms.bound(),
            retention_bytes: config.retention_bytes.bound(),
            build: build::name(env.as_ref()),
            revision: Some(config.revision.as_str().into()),
            ..Settings::default()
        };
        Ok(Self { runtime: Runtime::start(service, adapters, settings), store, broker: embedded, env, keys })
    }

    async fn serve(
        &self,
        bound: Bound,
        routes: Routes<'_>,
        config: &Config,
        logs: &Logs,
        stop: &Stop,
    ) -> anyhow::Result<()> {
        let handle = self.runtime.handle();
        let asked = handle.clone();
        let health = Health::new(move || asked.status()).under(logs.revision().clone());
        let own = routes(handle.clone());
        handle.check_peers()?;
        let routes = own.merge(operator::routes(handle.clone())).merge(pages::of(config));
        let app = Host::new(config, Arc::clone(&self.env), health.clone()).with_keys(self.keys.clone()).app(routes);
        let addr = bound.addr();
        if let Some(broker) = &self.broker {
            tracing::info!(addr = %broker.addr(), "a broker runs inside this process");
        }
        logs.listening(addr);
        tracing::info!(%addr, store = %config.store, "listening");
        let _announcer = self.announce_ready(health.clone(), logs.clone());
        let running = handle.clone();
        let mut served = std::pin::pin!(bound.serve(app, config, &health, stop));
        let why = tokio::select! { biased;
            why = running.over() => why,
            () = served.as_mut() => return Ok(()),
        };
        stop.ask("nothing is done here any more");
        served.await;
        anyhow::bail!("{} has stopped: {why}", config.slot)
    }

    fn announce_ready(&self, health: Health, logs: Logs) -> Box<dyn Task> {
        let env = Arc::clone(&self.env);
        let announce = async move {
            while !health.status().ready {
                env.sleep(READY_POLL).await;
            }
            logs.ready();
        };
        self.env.spawn("announce", Box::pin(announce))
    }

    /// Leases are given back while the broker and the store still answer; then the files are left whole.
    async fn end(self) {
        let ending = async {
            self.runtime.stop().await;
            self.store.shut_down().await;
            if let Some(broker) = self.broker {
                broker.stop().await;
            }
        };
        if tokio::time::timeout(LAST_MOMENT, ending).await.is_err() {
            tracing::warn!("leases and files could not be put in order in time; the next start does it");
        }
    }
}
