//! Parcels moved by the clock and by people.

use std::sync::Arc;

use bongsu_testing::{Answered, Bench};
use delivery::{Settings, Who, api, service};
use serde_json::{Value, json};

use crate::ordering::{Act, Ordering};

const CONFIRMED: &str = "ordering.order-confirmed.v1";
/// As ordering tells it.
const SEALED: &str = "sealed:v1:c2VhbGVk";
const WANTED_BACK: &str = "ordering.cancellation-requested.v1";

/// A running delivery service, and the ordering it asks.
struct Fixture(Bench, Arc<Ordering>);

impl Fixture {
    fn open(settings: &Settings) -> Self {
        let ordering = Arc::<Ordering>::default();
        Self(Bench::facing(service(settings), api::routes, |_| ordering.clone()), ordering)
    }

    async fn hears(&self, fact: &str, order: &str) {
        let lines = json!([{ "sku": "TV", "name": "TV", "quantity": 2 }]);
        let body = json!({ "order": order, "customer": "ann", "lines": lines, "address": SEALED });
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

#[tokio::test]
async fn where_a_parcel_goes_is_asked_of_ordering_and_never_what_was_told() {
    let fixture = by_hand();
    fixture.hears(CONFIRMED, "o1").await;
    fixture.is_at("o1", "PREPARED").await;
    let shown = async || {
        let answered = fixture.ask("ann", "o1").await;
        assert!(!answered.body.to_string().contains(SEALED), "{answered:?}");
        let one = &answered.body["items"][0];
        (answered.status, one["address"].clone(), one["address_state"].clone())
    };
    assert_eq!(shown().await, (200, json!("Seoul"), json!("KNOWN")));
    assert!(fixture.1.asked().contains(&"GET http://ordering/orders/o1/address ann".to_owned()), "in her name");
    fixture.1.act(Act::Say(200, json!({ "address_state": "FORGOTTEN" }).to_string()));
    assert_eq!(shown().await, (200, Value::Null, json!("FORGOTTEN")));
    for (status, said) in [(404, "{}"), (200, "{}"), (200, "what?"), (200, "{\"address_state\":\"LOST\"}"), (500, "")] {
        fixture.1.act(Act::Say(status, said.to_owned()));
        assert_eq!(shown().await, (200, Value::Null, json!("UNAVAILABLE")), "{status} {said}");
    }
}

#[tokio::test]
async fn while_ordering_is_silent_the_rest_of_a_parcel_is_shown() {
    for act in [Act::Break, Act::Hang] {
        let fixture = by_hand();
        fixture.hears(CONFIRMED, "o1").await;
        fixture.is_at("o1", "PREPARED").await;
        fixture.1.act(act);
        let one = fixture.delivery("o1").await;
        let expected = (json!("PREPARED"), json!("UNAVAILABLE"), json!("TV"));
        assert_eq!((one["state"].clone(), one["address_state"].clone(), one["items"][0]["sku"].clone()), expected);
        assert_eq!(fixture.moves("k1", "o1", "depart", json!({})).await.0, 200, "parcels move all the same");
        fixture.1.act(Act::Say(200, json!({ "address": "Seoul", "address_state": "KNOWN" }).to_string()));
        fixture.0.until(async || fixture.delivery("o1").await["address"] == "Seoul").await;
    }
}

#[tokio::test]
async fn an_id_that_is_no_orders_is_never_put_into_an_address() {
    let fixture = by_hand();
    let odd = "o1/../../payments?order=o1";
    fixture.hears(CONFIRMED, odd).await;
    let path = "GET /deliveries?order=o1%2F..%2F..%2Fpayments%3Forder%3Do1";
    let one = async || fixture.0.ask("kim:operator", path, None, Value::Null).await.body["items"][0].clone();
    fixture.0.until(async || one().await["state"] == "PREPARED").await;
    assert_eq!((one().await["address_state"].clone(), fixture.1.asked()), (json!("UNAVAILABLE"), vec![]));
}
