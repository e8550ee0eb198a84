//! A service alone: over memory adapters, inside the host, with a stand-in for every context it hears.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use bongsu_host::{HyperClient, TokioEnv, config::Config, health::Health, host::Host};
use bongsu_runtime::{
    Adapters, Handle, Runtime, Service, Settings,
    ports::env::{Env, HttpClient},
};
use serde_json::Value;
use tower::ServiceExt as _;

use bongsu_memory::{MemoryBroker, MemoryStore};

use crate::{Stream, Teller};

/// What should happen happens within this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer of a test is larger.
const LARGEST: usize = 16 << 20;

/// A running service that is tested alone.
pub struct Bench {
    /// Its routes, inside the host.
    pub app: Router,
    /// Its time.
    pub env: Arc<dyn Env>,
    /// What its own adapters call.
    pub handle: Handle,
    broker: Arc<MemoryBroker>,
    http: Arc<dyn HttpClient>,
    tellers: Mutex<BTreeMap<String, Arc<Teller>>>,
    _runtime: Runtime,
}

/// An answer, read to the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// JSON, or null.
    pub body: Value,
}

impl Bench {
    /// Starts a service. It meets the outside over the network, if it meets it at all.
    pub fn open(service: Service, routes: impl FnOnce(Handle) -> Router) -> Self {
        Self::facing(service, routes, |_| Arc::new(HyperClient::new()))
    }

    /// Starts a service whose outside is this one.
    pub fn facing(
        service: Service,
        routes: impl FnOnce(Handle) -> Router,
        outside: impl FnOnce(&Arc<dyn Env>) -> Arc<dyn HttpClient>,
    ) -> Self {
        let env: Arc<dyn Env> = Arc::new(TokioEnv::new(None).expect("no crash point"));
        let broker = Arc::new(MemoryBroker::new(Arc::clone(&env)));
        let http = outside(&env);
        let brisk = Settings { retry_cap_ms: 50, ..Settings::default() };
        let host = Host::new(&Config::defaults(service.name()), Arc::clone(&env), Health::always());
        let runtime = Runtime::start(service, adapters(&env, &broker, &http), brisk);
        let handle = runtime.handle();
        let routes = routes(handle.clone());
        handle.check_peers().expect("the map declares whom it asks");
        let app = host.app(routes);
        Self { app, env, handle, broker, http, tellers: Mutex::default(), _runtime: runtime }
    }

    /// Has the context that a fact (`context.event.v1`) is named after tell it under a key.
    ///
    /// # Panics
    /// When the memory broker does not take it.
    pub async fn say(&self, fact: &str, key: &str, body: Value) {
        let context = fact.split('.').next().unwrap_or_default();
        let teller = self.teller(context);
        teller.say(fact, key, body).await.expect("memory takes it");
    }

    /// Sends a request: `who` is asking, `how` is a method and an address (`GET /doors?house=h1`). What is not a GET
    /// needs a key.
    ///
    /// # Panics
    /// When that is no request.
    pub async fn ask(&self, who: &str, how: &str, key: Option<&str>, body: Value) -> Answered {
        let key: Vec<_> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
        self.ask_with(who, how, &key, body).await
    }

    /// The same with headers of one's own. Who asks has a name and, after a colon, roles: `kim:seller,operator`.
    ///
    /// # Panics
    /// When that is no request.
    pub async fn ask_with(&self, who: &str, how: &str, with: &[(&str, &str)], body: Value) -> Answered {
        let (method, uri) = how.split_once(' ').expect("a method and an address");
        let request = Request::builder().method(method).uri(uri);
        let (name, roles) = who.split_once(':').unwrap_or((who, ""));
        let usual = [("x-bongsu-principal", name), ("x-bongsu-roles", roles), ("content-type", "application/json")];
        let request = usual.iter().chain(with).fold(request, |request, (name, value)| request.header(*name, *value));
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).expect("a request")).await
    }

    /// Follows what is at `path` as `who`, who has heard up to `heard`.
    ///
    /// # Panics
    /// When `path` is no path.
    pub async fn follow(&self, who: &str, path: &str, heard: Option<u64>) -> Stream {
        let request = Request::get(path).header("x-bongsu-principal", who);
        let request = heard.into_iter().fold(request, |request, id| request.header("last-event-id", id));
        let asked = self.app.clone().oneshot(request.body(Body::empty()).expect("a path"));
        let answer = asked.await.unwrap_or_else(|never| match never {});
        Stream::of(answer.status().as_u16(), answer.into_body())
    }

    /// Sends a request as it is.
    ///
    /// # Panics
    /// When its answer does not end.
    pub async fn send(&self, request: Request<Body>) -> Answered {
        let response = self.app.clone().oneshot(request).await;
        let (parts, body) = response.unwrap_or_else(|never| match never {}).into_parts();
        let bytes = to_bytes(body, LARGEST).await.expect("a body");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answered { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Waits until something holds.
    ///
    /// # Panics
    /// When it does not within ten seconds.
    pub async fn until(&self, mut holds: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it happens in time");
    }

    fn teller(&self, context: &str) -> Arc<Teller> {
        let mut tellers = self.tellers.lock().expect("nobody panicked");
        let start = || {
            let name: &'static str = context.to_owned().leak();
            Arc::new(Teller::start(name, adapters(&self.env, &self.broker, &self.http)))
        };
        tellers.entry(context.to_owned()).or_insert_with(start).clone()
    }
}

/// Everything one context runs on; the broker is everybody's.
fn adapters(env: &Arc<dyn Env>, broker: &Arc<MemoryBroker>, http: &Arc<dyn HttpClient>) -> Adapters {
    Adapters {
        store: Arc::new(MemoryStore::with_env(Arc::clone(env))),
        broker: broker.clone(),
        env: Arc::clone(env),
        http: Arc::clone(http),
    }
}
