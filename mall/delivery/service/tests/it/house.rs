//! A running delivery service over memory adapters, with a stand-in for ordering.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use bongsu_host::{HyperClient, TokioEnv, config::Config, health::Health, host::Host};
use bongsu_runtime::{Runtime, World, ports::env::Env};
use bongsu_testing::{MemoryBroker, MemoryStore, given::Teller};
use delivery_service::{api, service, settings::Settings};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// What should happen happens within this time.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct House {
    pub(crate) app: Router,
    ordering: Teller,
    _runtime: Runtime,
}

impl House {
    pub(crate) fn open(settings: &Settings) -> Self {
        let env: Arc<dyn Env> = Arc::new(TokioEnv::new(None).expect("no crash point"));
        let broker = Arc::new(MemoryBroker::new(Arc::clone(&env)));
        let world = || World {
            store: Arc::new(MemoryStore::with_env(Arc::clone(&env))),
            broker: broker.clone(),
            env: Arc::clone(&env),
            http: Arc::new(HyperClient::new()),
        };
        let runtime = Runtime::start(service(settings), world(), bongsu_runtime::Settings::default());
        let host = Host::new(&Config::defaults("delivery"), Arc::clone(&env), Health::always());
        Self {
            app: host.app(api::routes(runtime.handle())),
            ordering: Teller::start("ordering", world()),
            _runtime: runtime,
        }
    }

    pub(crate) async fn hears(&self, fact: &str, order: &str) {
        let lines = json!([{ "sku": "TV", "name": "TV", "quantity": 2 }]);
        let body = json!({ "order": order, "lines": lines, "address": "Seoul" });
        self.ordering.say(fact, order, body).await.expect("memory takes it");
    }

    /// Status and body of the answer to a courier's people.
    pub(crate) async fn moves(&self, key: &str, order: &str, how: &str, body: Value) -> (u16, Value) {
        let request = Request::post(format!("/deliveries/{order}/{how}"))
            .header("x-bongsu-principal", "courier")
            .header("idempotency-key", key)
            .header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    pub(crate) async fn delivery(&self, order: &str) -> Value {
        let request = Request::get(format!("/deliveries?order={order}")).header("x-bongsu-principal", "ann");
        let (_, list) = self.send(request.body(Body::empty()).expect("a request")).await;
        list["items"][0].clone()
    }

    /// Waits until a delivery has reached a state.
    pub(crate) async fn is_at(&self, order: &str, state: &str) {
        let waiting = async {
            while self.delivery(order).await["state"] != state {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it happens in time");
    }

    async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}
