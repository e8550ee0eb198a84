//! A running product service that is tested alone.

use bongsu_testing::{Answered, Bench};
use product::{Settings, api, service};
use serde_json::{Value, json};

pub(crate) struct Fixture {
    pub(crate) bench: Bench,
}

/// A product to look at, for the HTTP conventions.
pub(crate) async fn there(bench: &Bench) -> Vec<(&'static str, String)> {
    for (how, body) in [("POST /products", tv(10_000)), ("POST /stock/TV/receipts", json!({ "quantity": 10 }))] {
        assert_eq!(bench.ask("kim:operator", how, Some("tv"), body).await.status, 201);
    }
    let there = ["/products/{sku}", "/products/{sku}/options", "/products/{sku}/prices", "/stock/{sku}"];
    there.into_iter().map(|path| (path, path.replace("{sku}", "TV"))).collect()
}

impl Fixture {
    pub(crate) fn open() -> Self {
        Self { bench: Bench::open(service(&Settings::default()), api::routes) }
    }

    pub(crate) async fn get(&self, uri: &str) -> Answered {
        self.bench.ask("kim:operator", &format!("GET {uri}"), None, Value::Null).await
    }

    pub(crate) async fn post(&self, key: &str, uri: &str, body: Value) -> Answered {
        self.bench.ask("kim:operator", &format!("POST {uri}"), Some(key), body).await
    }

    /// Ten TVs for 10 000 won each.
    pub(crate) async fn with_ten_tvs(&self) {
        there(&self.bench).await;
    }
}

pub(crate) fn tv(price: i64) -> Value {
    json!({ "sku": "TV", "name": "TV", "price": { "minor": price, "currency": "KRW" } })
}
