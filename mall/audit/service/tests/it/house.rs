//! A running audit over memory adapters, with stand-ins for the contexts it hears.

use std::{sync::Arc, time::Duration};

use audit_service::{api, service, settings::Settings};
use axum::{Router, body::Body, http::Request};
use bongsu_host::{HyperClient, TokioEnv, config::Config, health::Health, host::Host};
use bongsu_runtime::{Runtime, World, ports::env::Env};
use bongsu_testing::{MemoryBroker, MemoryStore, Teller};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// What should happen happens within this time.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct House {
    pub(crate) app: Router,
    ordering: Teller,
    payment: Teller,
    _runtime: Runtime,
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
        let settings = Settings { grace_ms: 50, ..Settings::default() };
        let runtime = Runtime::start(service(&settings), world(), bongsu_runtime::Settings::default());
        let host = Host::new(&Config::defaults("audit"), Arc::clone(&env), Health::always());
        Self {
            app: host.app(api::routes(runtime.handle())),
            ordering: Teller::start("ordering", world()),
            payment: Teller::start("payment", world()),
            _runtime: runtime,
        }
    }

    /// An order for 20 000 won that never expires.
    pub(crate) async fn placed(&self, order: &str) {
        let lines = json!([{ "sku": "TV", "quantity": 1 }]);
        let body =
            json!({ "order": order, "lines": lines, "amount": amount(), "expires_at_ms": 9_000_000_000_000_i64 });
        self.ordering.say("ordering.order-placed.v1", order, body).await.expect("memory takes it");
    }

    pub(crate) async fn rejected(&self, order: &str) {
        self.ordering.say("ordering.order-rejected.v1", order, json!({ "order": order })).await.expect("it takes it");
    }

    pub(crate) async fn captured(&self, order: &str) {
        self.told_by_payment("payment-captured", order).await;
    }

    pub(crate) async fn refunded(&self, order: &str) {
        self.told_by_payment("payment-refunded", order).await;
    }

    async fn told_by_payment(&self, fact: &str, order: &str) {
        let body = json!({ "order": order, "amount": amount() });
        self.payment.say(&format!("payment.{fact}.v1"), order, body).await.expect("memory takes it");
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let request = Request::get(path).header("x-bongsu-principal", "ann").body(Body::empty()).expect("a request");
        let response = self.app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&bytes).expect("JSON"))
    }

    /// Waits until an address answers like this.
    pub(crate) async fn until(&self, path: &str, looks: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                let (_, answer) = self.get(path).await;
                if looks(&answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it happens in time")
    }

    pub(crate) async fn until_summary(&self, orders: u64, disagreeing: u64) {
        let expected = json!({ "orders": orders, "disagreeing": disagreeing });
        self.until("/audit/summary", |answer| *answer == expected).await;
    }
}

fn amount() -> Value {
    json!({ "minor": 20_000, "currency": "KRW" })
}
