//! A running product service over memory adapters, with a stand-in for ordering.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request},
};
use bongsu_host::{HyperClient, TokioEnv, config::Config, health::Health, host::Host};
use bongsu_runtime::{Handle, Runtime, Settings, World, ports::env::Env};
use bongsu_testing::{MemoryBroker, MemoryStore, Teller};
use http_body_util::BodyExt as _;
use product_service::{api, service};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// What should happen happens within this time.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct House {
    pub(crate) app: Router,
    pub(crate) handle: Handle,
    pub(crate) ordering: Teller,
    _runtime: Runtime,
}

/// An answer, read to the end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl House {
    pub(crate) fn open() -> Self {
        let env: Arc<dyn Env> = Arc::new(TokioEnv::new(None).expect("no crash point"));
        let broker = Arc::new(MemoryBroker::new(Arc::clone(&env)));
        let world = || World {
            store: Arc::new(MemoryStore::with_env(Arc::clone(&env))),
            broker: broker.clone(),
            env: Arc::clone(&env),
            http: Arc::new(HyperClient::new()),
        };
        let runtime = Runtime::start(service(), world(), Settings::default());
        let handle = runtime.handle();
        let host = Host::new(&Config::defaults("product"), Arc::clone(&env), Health::always());
        Self {
            app: host.app(api::routes(handle.clone())),
            handle,
            ordering: Teller::start("ordering", world()),
            _runtime: runtime,
        }
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, mut holds: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it happens in time");
    }

    /// Sends a request; `with` are header names and values.
    pub(crate) async fn ask(&self, method: Method, uri: &str, with: &[(&str, &str)], body: Value) -> Answer {
        let json = [("x-bongsu-principal", "operator"), ("content-type", "application/json")];
        let request = Request::builder().method(method).uri(uri);
        let request = json.iter().chain(with).fold(request, |request, (name, value)| request.header(*name, *value));
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.app.clone().oneshot(request.body(body).expect("a request")).await;
        let (parts, body) = response.unwrap_or_else(|never| match never {}).into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        self.ask(Method::GET, uri, &[], Value::Null).await
    }

    pub(crate) async fn post(&self, key: &str, uri: &str, body: Value) -> Answer {
        self.ask(Method::POST, uri, &[("idempotency-key", key)], body).await
    }

    /// Ten TVs for 10 000 won each.
    pub(crate) async fn with_ten_tvs(&self) {
        assert_eq!(self.post("tv", "/products", tv(10_000)).await.status, 201);
        assert_eq!(self.post("tv", "/stock/TV/receipts", json!({ "quantity": 10 })).await.status, 201);
    }
}

pub(crate) fn tv(price: i64) -> Value {
    json!({ "sku": "TV", "name": "TV", "price": { "minor": price, "currency": "KRW" } })
}
