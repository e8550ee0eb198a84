//! `/mypage/orders` of a running service over memory adapters.

use std::sync::Arc;

use axum::{Router, body::Body, http::Request};
use bongsu_host::{HyperClient, TokioEnv, config::Config, health::Health, host::Host};
use bongsu_runtime::{Runtime, Settings, World, ports::env::Env};
use bongsu_testing::{MemoryBroker, MemoryStore, Teller, conventions};
use http_body_util::BodyExt as _;
use mypage_service::{api, service};
use serde_json::{Value, json};
use tower::ServiceExt as _;

struct House {
    app: Router,
    ordering: Teller,
    _runtime: Runtime,
}

impl House {
    fn open() -> Self {
        let env: Arc<dyn Env> = Arc::new(TokioEnv::new(None).expect("no crash point"));
        let broker = Arc::new(MemoryBroker::new(Arc::clone(&env)));
        let world = || World {
            store: Arc::new(MemoryStore::with_env(Arc::clone(&env))),
            broker: broker.clone(),
            env: Arc::clone(&env),
            http: Arc::new(HyperClient::new()),
        };
        let runtime = Runtime::start(service(), world(), Settings::default());
        let host = Host::new(&Config::defaults("mypage"), Arc::clone(&env), Health::always());
        let app = host.app(api::routes(runtime.handle()));
        Self { app, ordering: Teller::start("ordering", world()), _runtime: runtime }
    }

    /// Ann's order is placed; its position in the stand-in for ordering.
    async fn placed(&self, order: &str, at_ms: i64) -> String {
        let price = json!({ "minor": 10_000, "currency": "KRW" });
        let lines = json!([{ "sku": "TV", "name": "TV", "quantity": 1, "price": price }]);
        let body = json!({ "order": order, "customer": "ann", "lines": lines, "amount": price, "placed_at_ms": at_ms });
        self.ordering.say("ordering.order-placed.v1", order, body).await.expect("memory takes it");
        format!("ordering/telling/{order}@1:1")
    }

    async fn get(&self, who: &str, uri: &str) -> (u16, Value) {
        let request = Request::get(uri).header("x-bongsu-principal", who).body(Body::empty()).expect("a request");
        let response = self.app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

#[tokio::test]
async fn a_customer_sees_ones_own_orders_newest_first() {
    let house = House::open();
    house.placed("o1", 1_000).await;
    house.placed("o3", 3_000).await;
    let last = house.placed("o2", 2_000).await;
    for order in ["o1", "o3"] {
        let position = format!("ordering/telling/{order}@1:1");
        assert_eq!(house.get("ann", &format!("/mypage/orders?after={position}")).await.0, 200);
    }
    let (status, page) = house.get("ann", &format!("/mypage/orders?after={last}")).await;
    let ids: Vec<_> = page["items"].as_array().into_iter().flatten().map(|item| item["order_id"].clone()).collect();
    assert_eq!((status, ids), (200, vec![json!("o3"), json!("o2"), json!("o1")]));
    let first = &page["items"][0];
    assert_eq!(
        (&first["status"]["code"], &first["placed_at"]),
        (&json!("pending"), &json!("1970-01-01T00:00:03.000Z"))
    );
    assert_eq!(house.get("bob", "/mypage/orders").await.1["items"], json!([]));
}

#[tokio::test]
async fn one_order_is_shown_to_its_owner_only() {
    let house = House::open();
    let position = house.placed("o1", 1_000).await;
    assert_eq!(house.get("ann", &format!("/mypage/orders/o1?after={position}")).await.0, 200);
    assert_eq!(house.get("bob", "/mypage/orders/o1").await.0, 404);
    assert_eq!(house.get("ann", "/mypage/orders/o9").await.0, 404);
}

#[tokio::test]
async fn a_position_that_never_comes_is_not_waited_for_without_end() {
    let house = House::open();
    let (status, problem) = house.get("ann", "/mypage/orders?after=ordering/order/none@1:1").await;
    assert_eq!((status, &problem["type"]), (503, &json!("/errors/unavailable")));
    assert_eq!(house.get("ann", "/mypage/orders?after=garbage").await.0, 400);
}

#[tokio::test]
async fn every_route_keeps_the_conventions() {
    let house = House::open();
    let position = house.placed("o1", 1_000).await;
    assert_eq!(house.get("ann", &format!("/mypage/orders/o1?after={position}")).await.0, 200);
    let asked = conventions::hold(house.app.clone(), "ann", &[("/mypage/orders/{id}", "/mypage/orders/o1")]).await;
    assert!(asked > 40, "{asked}");
}

#[tokio::test]
async fn a_row_that_changes_has_another_tag() {
    let house = House::open();
    let position = house.placed("o1", 1_000).await;
    let tag = async |after: &str| {
        let request = Request::get(format!("/mypage/orders/o1?after={after}")).header("x-bongsu-principal", "ann");
        let answer = house.app.clone().oneshot(request.body(Body::empty()).expect("a request")).await;
        answer.unwrap_or_else(|never| match never {}).headers()["etag"].clone()
    };
    let before = tag(&position).await;
    assert_eq!(tag(&position).await, before);
    house.ordering.say("ordering.order-confirmed.v1", "o1", json!({ "order": "o1" })).await.expect("memory takes it");
    assert_ne!(tag("ordering/telling/o1@2:2").await, before);
}

#[tokio::test]
async fn a_position_of_a_context_that_is_not_heard_is_refused() {
    let house = House::open();
    for foreign in ["bank/account/1@1:1", "mypage/order/1@1:1"] {
        assert_eq!(house.get("ann", &format!("/mypage/orders?after={foreign}")).await.0, 400, "{foreign}");
    }
}
