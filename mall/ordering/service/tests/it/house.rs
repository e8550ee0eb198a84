//! A running ordering service over memory adapters, with stand-ins for the contexts it hears.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, Response},
};
use bongsu_host::{HyperClient, TokioEnv, config::Config, health::Health, host::Host};
use bongsu_runtime::{Handle, Runtime, Settings, World, ports::env::Env};
use bongsu_testing::{MemoryBroker, MemoryStore, Teller};
use http_body_util::BodyExt as _;
use ordering_domain::price_list::PriceList;
use ordering_service::{api, service};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// What should happen happens within this time.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct House {
    pub(crate) app: Router,
    pub(crate) product: Teller,
    pub(crate) payment: Teller,
    pub(crate) delivery: Teller,
    pub(crate) handle: Handle,
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
    /// Opens with a TV for 10 000 and a mask for 20 000 won in the price list.
    pub(crate) async fn open() -> Self {
        let env: Arc<dyn Env> = Arc::new(TokioEnv::new(None).expect("no crash point"));
        let broker = Arc::new(MemoryBroker::new(Arc::clone(&env)));
        let world = || World {
            store: Arc::new(MemoryStore::with_env(Arc::clone(&env))),
            broker: broker.clone(),
            env: Arc::clone(&env),
            http: Arc::new(HyperClient::new()),
        };
        let runtime =
            Runtime::start(service(&ordering_service::settings::Settings::default()), world(), Settings::default());
        let handle = runtime.handle();
        let health = Health::new({
            let handle = handle.clone();
            move || handle.status()
        });
        let routes = api::routes(handle.clone());
        let house = Self {
            app: Host::new(&Config::defaults("ordering"), Arc::clone(&env), health).app(routes),
            product: Teller::start("product", world()),
            payment: Teller::start("payment", world()),
            delivery: Teller::start("delivery", world()),
            handle,
            _runtime: runtime,
        };
        house.stock_the_price_list().await;
        house
    }

    async fn stock_the_price_list(&self) {
        for (sku, price) in [("TV", 10_000), ("MASK", 20_000)] {
            let price = json!({ "minor": price, "currency": "KRW" });
            let body = json!({ "sku": sku, "name": sku, "price": price, "at_ms": 1 });
            self.product.say("product.product-registered.v1", sku, body).await.expect("memory takes it");
            self.until(async || matches!(self.handle.row::<PriceList>(sku).await, Ok(Some(_)))).await;
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

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response: Response<Body> = self.app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn place_as(&self, who: &str, key: &str, body: &Value) -> Answer {
        self.post(who, key, "/orders", body.to_string()).await
    }

    pub(crate) async fn post(&self, who: &str, key: &str, uri: &str, body: String) -> Answer {
        let request = Request::post(uri)
            .header("x-bongsu-principal", who)
            .header("idempotency-key", key)
            .header("content-type", "application/json");
        self.send(request.body(Body::from(body)).expect("a request")).await
    }

    pub(crate) async fn get(&self, who: &str, uri: &str) -> Answer {
        let request = Request::get(uri).header("x-bongsu-principal", who);
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    /// Places two TVs for ann; the order's id.
    pub(crate) async fn placed(&self, key: &str) -> String {
        let answer = self.place_as("ann", key, &two_tvs()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.body["order_id"].as_str().expect("an id").to_owned()
    }

    /// Lets product and payment say yes, and waits for the confirmation.
    pub(crate) async fn confirmed(&self, key: &str) -> String {
        let order = self.placed(key).await;
        self.confirm(&order).await;
        order
    }

    /// Product and payment say yes to an order.
    pub(crate) async fn confirm(&self, order: &str) {
        let reserved = json!({ "order": order, "lines": [{ "sku": "TV", "quantity": 2 }] });
        self.product.say("product.stock-reserved.v1", order, reserved).await.expect("memory takes it");
        let amount = json!({ "minor": 20_000, "currency": "KRW" });
        let captured = json!({ "order": order, "amount": amount, "at_ms": 1 });
        self.payment.say("payment.payment-captured.v1", order, captured).await.expect("memory takes it");
        self.is_at(order, "CONFIRMED").await;
    }

    /// Waits until an order of ann's has reached a state.
    pub(crate) async fn is_at(&self, order: &str, state: &str) {
        self.until(async || self.get("ann", &format!("/orders/{order}")).await.body["state"] == state).await;
    }
}

pub(crate) fn two_tvs() -> Value {
    json!({ "lines": [{ "sku": "TV", "quantity": 2 }], "address": "Seoul", "pay": "card" })
}
