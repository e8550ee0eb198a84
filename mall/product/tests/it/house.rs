//! A running product service that is tested alone.

use bongsu_testing::{Answered, Bench};
use product::{api, service};
use serde_json::{Value, json};

pub(crate) struct House {
    pub(crate) bench: Bench,
}

impl House {
    pub(crate) fn open() -> Self {
        Self { bench: Bench::open(service(), api::routes) }
    }

    pub(crate) async fn get(&self, uri: &str) -> Answered {
        self.bench.ask("operator", &format!("GET {uri}"), None, Value::Null).await
    }

    pub(crate) async fn post(&self, key: &str, uri: &str, body: Value) -> Answered {
        self.bench.ask("operator", &format!("POST {uri}"), Some(key), body).await
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
