//! Where orders go is sealed from the first moment on, and nobody's when its customer is forgotten.

use std::collections::BTreeSet;

use bongsu_runtime::{Forgetting, ports::store::Position};
use bongsu_testing::Answered;
use serde_json::{Value, json};

use crate::fixture::{Fixture, two_tvs};

/// Where Ann lives: nothing else is called so.
const SOMEWHERE: &str = "7 Canary Row, 서울\n2층";

fn order_to(address: &str) -> Value {
    let mut order = two_tvs();
    order["address"] = address.into();
    order
}

impl Fixture {
    async fn placed_by(&self, who: &str, key: &str) -> String {
        let placed = self.place_as(who, key, &order_to(SOMEWHERE)).await;
        assert_eq!(placed.status, 202, "{placed:?}");
        placed.body["order_id"].as_str().expect("an id").to_owned()
    }

    /// What an order says of where it goes.
    async fn goes(&self, who: &str, path: &str) -> (Value, Value) {
        let shown = self.get(who, path).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        (shown.body["address"].clone(), shown.body["address_state"].clone())
    }

    async fn forget(&self, who: &str) {
        self.bench.say("identity.person-forgotten.v1", who, json!({ "person": who })).await;
        let operator = self.bench.handle.operator();
        self.bench.until(async || operator.forgetting(who).await == Ok(Forgetting::Done)).await;
    }

    /// Everything that was stored as an event, as text.
    async fn events(&self) -> String {
        let events = self.bench.handle.operator().events(Position(0), 1_000).await.expect("events");
        events.iter().map(|event| String::from_utf8_lossy(&event.data).into_owned()).collect()
    }
}

fn known() -> (Value, Value) {
    (json!(SOMEWHERE), json!("KNOWN"))
}

fn forgotten() -> (Value, Value) {
    (Value::Null, json!("FORGOTTEN"))
}

#[tokio::test]
async fn an_address_is_in_no_event_and_shown_to_whom_it_concerns() {
    let fixture = Fixture::open().await;
    let orders = [fixture.placed_by("ann", "k1").await, fixture.placed_by("ann", "k2").await];
    let events = fixture.events().await;
    assert!(events.contains("sealed:v1:") && !events.contains("Canary"), "{events}");
    let sealed = events.split("sealed:v1:").skip(1).filter_map(|rest| rest.split('"').next());
    assert_eq!(sealed.collect::<BTreeSet<_>>().len(), 2, "one address, sealed anew for each order: {events}");
    for order in &orders {
        let address = format!("/orders/{order}/address");
        for (who, path) in [("ann", &format!("/orders/{order}")), ("ann", &address), ("ben:rider", &address)] {
            assert_eq!(fixture.goes(who, path).await, known(), "{path} as {who}");
        }
        assert_eq!(fixture.goes("ann", &format!("/orders/{order}?version=1")).await, known());
        assert_eq!(fixture.get("bob", &address).await.status, 404);
    }
    assert_eq!(fixture.get("ben:rider", "/orders/ord_none/address").await.status, 404);
}

#[tokio::test]
async fn who_is_forgotten_lives_nowhere_and_others_where_they_did() {
    let fixture = Fixture::open().await;
    let (anns, bobs) = (fixture.placed_by("ann", "k1").await, fixture.placed_by("bob", "k2").await);
    let mut stream = fixture.bench.follow("ann", &format!("/orders/{anns}/events"), None).await;
    let first = stream.next().await.expect("an event");
    assert_eq!(first.data["order"]["address"], SOMEWHERE);
    assert_eq!(fixture.bench.handle.operator().forgetting("ann").await, Ok(Forgetting::NotHeard));
    fixture.forget("ann").await;
    for path in ["", "?version=1", "/address"] {
        assert_eq!(fixture.goes("ann", &format!("/orders/{anns}{path}")).await, forgotten(), "{path}");
        assert_eq!(fixture.goes("bob", &format!("/orders/{bobs}{path}")).await, known(), "{path}");
    }
    let order = fixture.get("ann", &format!("/orders/{anns}")).await.body;
    assert_eq!((&order["state"], &order["lines"][0]["quantity"]), (&json!("PENDING"), &json!(2)), "the rest stays");
    // Told again, as brokers do: nothing changes.
    fixture.forget("ann").await;
    assert_eq!(fixture.goes("ann", &format!("/orders/{anns}")).await, forgotten());
}

#[tokio::test]
async fn nothing_is_begun_for_who_is_forgotten() {
    let fixture = Fixture::open().await;
    let placed = fixture.place_as("ann", "k1", &order_to(SOMEWHERE)).await;
    fixture.forget("ann").await;
    fixture.forget("zoe").await;
    for (who, key) in [("ann", "k2"), ("zoe", "k3")] {
        let refused = |answered: &Answered| (answered.status, answered.body["type"].clone());
        let expected = (409, json!("/errors/person-forgotten"));
        assert_eq!(refused(&fixture.place_as(who, key, &order_to(SOMEWHERE)).await), expected, "{who}");
        let add = fixture.post(who, &format!("{key}a"), "/cart/items", r#"{"sku": "TV", "quantity": 1}"#).await;
        assert_eq!(add.status, 200, "a cart says nothing of anybody: {add:?}");
        let body = json!({ "address": SOMEWHERE, "pay": "card" }).to_string();
        assert_eq!(refused(&fixture.post(who, &format!("{key}c"), "/cart/checkout", &body).await), expected, "{who}");
    }
    let again = fixture.place_as("ann", "k1", &order_to(SOMEWHERE)).await;
    assert_eq!((again.status, &again.body), (202, &placed.body), "what was answered once is answered so again");
    assert!(!fixture.events().await.contains("Canary"));
}

#[tokio::test]
async fn first_orders_at_once_have_one_key() {
    let fixture = Fixture::open().await;
    let keys: Vec<String> = (0..16).map(|number| format!("k{number}")).collect();
    let orders = futures::future::join_all(keys.iter().map(|key| fixture.placed_by("ann", key))).await;
    for order in orders {
        assert_eq!(fixture.goes("ann", &format!("/orders/{order}")).await, known());
    }
}
