//! A running payment service over memory adapters, with stand-ins for ordering and product, and a bank.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use bongsu_host::{TokioEnv, config::Config, health::Health, host::Host};
use bongsu_runtime::{Runtime, World, ports::env::Env};
use bongsu_testing::{MemoryBroker, MemoryStore, given::Teller};
use http_body_util::BodyExt as _;
use payment_service::{api, service, settings::Settings};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::bank::{ADDRESS, Bank};

/// What should happen happens within this time.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct House {
    pub(crate) app: Router,
    env: Arc<dyn Env>,
    pub(crate) bank: Arc<Bank>,
    ordering: Teller,
    product: Teller,
    _runtime: Runtime,
}

impl House {
    pub(crate) fn open() -> Self {
        let env: Arc<dyn Env> = Arc::new(TokioEnv::new(None).expect("no crash point"));
        let broker = Arc::new(MemoryBroker::new(Arc::clone(&env)));
        let bank = Bank::new(Arc::clone(&env));
        let world = || World {
            store: Arc::new(MemoryStore::with_env(Arc::clone(&env))),
            broker: broker.clone(),
            env: Arc::clone(&env),
            http: bank.clone(),
        };
        let settings = Settings { provider: ADDRESS.into(), ..Settings::default() };
        let brisk = bongsu_runtime::Settings { retry_cap_ms: 50, ..bongsu_runtime::Settings::default() };
        let runtime = Runtime::start(service(&settings), world(), brisk);
        let host = Host::new(&Config::defaults("payment"), Arc::clone(&env), Health::always());
        Self {
            app: host.app(api::routes(runtime.handle())),
            bank: bank.clone(),
            ordering: Teller::start("ordering", world()),
            product: Teller::start("product", world()),
            env: env.clone(),
            _runtime: runtime,
        }
    }

    /// An order for 20 000 won that expires in so many milliseconds.
    pub(crate) async fn placed(&self, order: &str, expires_in_ms: i64) {
        let amount = json!({ "minor": 20_000, "currency": "KRW" });
        let body = json!({ "order": order, "amount": amount, "expires_at_ms": self.env.wall_ms() + expires_in_ms });
        self.ordering.say("ordering.order-placed.v1", order, body).await.expect("memory takes it");
    }

    pub(crate) async fn reserved(&self, order: &str) {
        let body = json!({ "order": order });
        self.product.say("product.stock-reserved.v1", order, body).await.expect("memory takes it");
    }

    pub(crate) async fn ended(&self, order: &str) {
        let body = json!({ "order": order });
        self.ordering.say("ordering.order-rejected.v1", order, body).await.expect("memory takes it");
    }

    pub(crate) async fn payment(&self, order: &str) -> Value {
        let request = Request::get(format!("/payments?order={order}")).header("x-bongsu-principal", "ann");
        let request = request.body(Body::empty()).expect("a request");
        let response = self.app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        let list: Value = serde_json::from_slice(&bytes).expect("JSON");
        list["items"][0].clone()
    }

    /// Waits until a payment has reached a state.
    pub(crate) async fn is_at(&self, order: &str, state: &str) {
        self.until(async || self.payment(order).await["state"] == state).await;
    }

    pub(crate) async fn until(&self, mut holds: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it happens in time");
    }
}
