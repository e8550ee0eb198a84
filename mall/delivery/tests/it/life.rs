//! Parcels moved by the clock and by people.

use bongsu_testing::{Answered, Bench};
use delivery::{Settings, Who, api, service};
use serde_json::{Value, json};

const CONFIRMED: &str = "ordering.order-confirmed.v1";
const WANTED_BACK: &str = "ordering.cancellation-requested.v1";

/// A running delivery service.
struct Fixture(Bench);

impl Fixture {
    fn open(settings: &Settings) -> Self {
        Self(Bench::open(service(settings), api::routes))
    }

    async fn hears(&self, fact: &str, order: &str) {
        let lines = json!([{ "sku": "TV", "name": "TV", "quantity": 2 }]);
        let body = json!({ "order": order, "customer": "ann", "lines": lines, "address": "Seoul" });
        self.0.say(fact, order, body).await;
    }

    /// Status and body of the answer to a courier's people.
    async fn moves(&self, key: &str, order: &str, how: &str, body: Value) -> (u16, Value) {
        let answered = self.0.ask("ben:rider", &format!("POST /deliveries/{order}/{how}"), Some(key), body).await;
        (answered.status, answered.body)
    }

    async fn ask(&self, who: &str, order: &str) -> Answered {
        self.0.ask(who, &format!("GET /deliveries?order={order}"), None, Value::Null).await
    }

    async fn delivery(&self, order: &str) -> Value {
        self.ask("kim:operator", order).await.body["items"][0].clone()
    }

    /// Waits until a delivery has reached a state.
    async fn is_at(&self, order: &str, state: &str) {
        self.0.until(async || self.delivery(order).await["state"] == state).await;
    }
}

fn by_hand() -> Fixture {
    Fixture::open(&Settings { courier: Who::Manual, ..Settings::default() })
}

#[tokio::test]
async fn the_clock_brings_a_confirmed_order_home() {
    let fixture = Fixture::open(&Settings { depart_after_ms: 20, complete_after_ms: 20, ..Settings::default() });
    fixture.hears(CONFIRMED, "o1").await;
    fixture.is_at("o1", "COMPLETED").await;
    assert_eq!(fixture.delivery("o1").await["items"][0]["sku"], "TV");
}

#[tokio::test]
async fn people_move_parcels_step_by_step() {
    let fixture = by_hand();
    fixture.hears(CONFIRMED, "o1").await;
    fixture.is_at("o1", "PREPARED").await;
    let (status, body) = fixture.moves("k1", "o1", "complete", json!({})).await;
    assert_eq!((status, &body["type"]), (409, &json!("/errors/not-departed")));
    let departed = fixture.moves("k2", "o1", "depart", json!({})).await;
    assert_eq!((departed.0, &departed.1["delivery_id"]), (200, &json!("o1")));
    assert_eq!(fixture.moves("k2", "o1", "depart", json!({})).await, departed);
    assert_eq!(fixture.moves("k3", "o1", "complete", json!({})).await.0, 200);
    fixture.is_at("o1", "COMPLETED").await;
}

#[tokio::test]
async fn a_parcel_is_called_back_until_it_departs() {
    let fixture = by_hand();
    fixture.hears(CONFIRMED, "o1").await;
    fixture.hears(WANTED_BACK, "o1").await;
    fixture.is_at("o1", "CANCELLED").await;
    let (status, body) = fixture.moves("k1", "o1", "depart", json!({})).await;
    assert_eq!((status, &body["type"]), (409, &json!("/errors/already-cancelled")));

    fixture.hears(CONFIRMED, "o2").await;
    fixture.is_at("o2", "PREPARED").await;
    assert_eq!(fixture.moves("k2", "o2", "depart", json!({})).await.0, 200);
    fixture.hears(WANTED_BACK, "o2").await;
    assert_eq!(fixture.moves("k3", "o2", "complete", json!({})).await.0, 200);
    fixture.is_at("o2", "COMPLETED").await;
}

#[tokio::test]
async fn a_failed_delivery_has_a_reason() {
    let fixture = by_hand();
    fixture.hears(CONFIRMED, "o1").await;
    fixture.is_at("o1", "PREPARED").await;
    let (status, body) = fixture.moves("k1", "o1", "fail", json!({ "why": " " })).await;
    assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!("/why")));
    assert_eq!(fixture.moves("k2", "o1", "fail", json!({})).await.0, 422);
    assert_eq!(fixture.moves("k3", "o1", "fail", json!({ "why": "nobody at home" })).await.0, 200);
    fixture.is_at("o1", "FAILED").await;
}

#[tokio::test]
async fn a_delivery_is_its_customers_and_the_couriers_and_where_nothing_was_packed_is_none() {
    let fixture = by_hand();
    fixture.hears(CONFIRMED, "o1").await;
    fixture.is_at("o1", "PREPARED").await;
    for (who, order, status) in [("ann", "o1", 200), ("ben", "o1", 404), ("ann", "o2", 404), ("ben:rider", "o1", 200)] {
        assert_eq!(fixture.ask(who, order).await.status, status, "{who} asks for {order}");
    }
    assert_eq!(fixture.moves("k1", "o2", "depart", json!({})).await.0, 404);
    assert!(fixture.delivery("o2").await.is_null());
}
