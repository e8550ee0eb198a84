//! A running house: runtime on memory adapters, server on loopback.

use std::{net::SocketAddr, sync::Arc};

use bongsu_host::{HyperClient, TokioEnv, config::Config, health::Health, host::Host, operator, server, stop::Stop};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{Adapters, Handle, Runtime, Settings, ports::env::Env};
use tokio::{sync::Semaphore, task::JoinHandle, time::timeout};

use crate::{
    client::PATIENCE,
    door::{self, Gate},
};

pub(crate) struct Fixture {
    pub(crate) addr: SocketAddr,
    pub(crate) handle: Handle,
    pub(crate) gate: Arc<Gate>,
    pub(crate) stop: Stop,
    pub(crate) served: JoinHandle<()>,
    _runtime: Runtime,
}

impl Fixture {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::defaults("house");
        configure(&mut config);
        let env: Arc<dyn Env> = Arc::new(TokioEnv::new(None).unwrap());
        let adapters = Adapters {
            store: Arc::new(MemoryStore::with_env(Arc::clone(&env))),
            broker: Arc::new(MemoryBroker::new(Arc::clone(&env))),
            env: Arc::clone(&env),
            http: Arc::new(HyperClient::new()),
        };
        let runtime = Runtime::start(door::service(), adapters, Settings::default());
        let handle = runtime.handle();
        let gate = Arc::new(Gate { entered: Semaphore::new(0), open: Semaphore::new(0), left: Semaphore::new(0) });
        let health = Health::new({
            let handle = handle.clone();
            move || handle.status()
        });
        let routes = door::routes(handle.clone(), Arc::clone(&gate)).merge(operator::routes(handle.clone()));
        let keys = config.open_keys().unwrap();
        let app = Host::new(&config, env, health.clone()).with_keys(keys).app(routes);
        let bound = server::bind(config.listen).await.unwrap();
        let (addr, stop) = (bound.addr(), Stop::new());
        let serving = stop.clone();
        let served = spawn(async move { bound.serve(app, &config, &health, &serving).await });
        Self { addr, handle, gate, stop, served, _runtime: runtime }
    }

    /// Waits until a request has come to the gate.
    pub(crate) async fn somebody_at_the_gate(&self) {
        timeout(PATIENCE, self.gate.entered.acquire()).await.expect("somebody comes").unwrap().forget();
    }
}

/// A task of the test's own.
#[expect(clippy::disallowed_methods, reason = "a caller is outside the process that Env describes")]
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}
