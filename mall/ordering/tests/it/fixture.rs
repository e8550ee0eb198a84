//! A running ordering service that is tested alone.

use axum::{body::Body, http::Request};
use bongsu_testing::{Answered, Bench};
use ordering::{api, service, settings::Settings};
use ordering_domain::price_list::PriceList;
use serde_json::{Value, json};

pub(crate) struct Fixture {
    pub(crate) bench: Bench,
}

async fn stock_the_price_list(bench: &Bench) {
    for (sku, price) in [("TV", 10_000), ("MASK", 20_000)] {
        let price = json!({ "minor": price, "currency": "KRW" });
        let body = json!({ "sku": sku, "name": sku, "price": price, "at_ms": 1 });
        bench.say("product.product-registered.v1", sku, body).await;
        bench.until(async || matches!(bench.handle.row::<PriceList>(sku).await, Ok(Some(_)))).await;
    }
}

/// An order and a cart to look at, for the HTTP conventions.
pub(crate) async fn there(bench: &Bench) -> Vec<(&'static str, String)> {
    stock_the_price_list(bench).await;
    let order = bench.ask("ann", "POST /orders", Some("k1"), two_tvs()).await.body["order_id"].take();
    bench.ask("ann", "POST /cart/items", Some("k2"), json!({ "sku": "TV", "quantity": 2 })).await;
    let order = format!("/orders/{}", order.as_str().expect("an id"));
    let address = format!("{order}/address");
    vec![("/orders/{id}", order), ("/orders/{id}/address", address), ("/cart/items/{sku}", "/cart/items/TV".into())]
}

impl Fixture {
    /// Opens with a TV for 10 000 and a mask for 20 000 won in the price list.
    pub(crate) async fn open() -> Self {
        let fixture = Self { bench: Bench::open(service(&Settings::default()), api::routes) };
        stock_the_price_list(&fixture.bench).await;
        fixture
    }

    pub(crate) async fn place_as(&self, who: &str, key: &str, body: &Value) -> Answered {
        self.bench.ask(who, "POST /orders", Some(key), body.clone()).await
    }

    /// Sends text that need not be JSON.
    pub(crate) async fn post(&self, who: &str, key: &str, uri: &str, body: &str) -> Answered {
        let request = Request::post(uri)
            .header("x-bongsu-principal", who)
            .header("idempotency-key", key)
            .header("content-type", "application/json");
        self.bench.send(request.body(Body::from(body.to_owned())).expect("a request")).await
    }

    pub(crate) async fn get(&self, who: &str, uri: &str) -> Answered {
        self.bench.ask(who, &format!("GET {uri}"), None, Value::Null).await
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
        self.bench.say("product.stock-reserved.v1", order, reserved).await;
        let amount = json!({ "minor": 20_000, "currency": "KRW" });
        let captured = json!({ "order": order, "amount": amount, "at_ms": 1 });
        self.bench.say("payment.payment-captured.v1", order, captured).await;
        self.is_at(order, "CONFIRMED").await;
    }

    /// Waits until an order of ann's has reached a state.
    pub(crate) async fn is_at(&self, order: &str, state: &str) {
        self.bench.until(async || self.get("ann", &format!("/orders/{order}")).await.body["state"] == state).await;
    }
}

pub(crate) fn two_tvs() -> Value {
    json!({ "lines": [{ "sku": "TV", "quantity": 2 }], "address": "Seoul", "pay": "card" })
}
