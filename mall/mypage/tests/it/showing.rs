//! `/mypage/orders` of a running service over memory adapters.

use bongsu_testing::Bench;
use mypage::{Settings, api, service};
use serde_json::{Value, json};

/// A running MyPage and a stand-in for ordering.
struct Fixture(Bench);

/// Ann's order is placed; its position in the stand-in for ordering.
async fn placed(bench: &Bench, order: &str, at_ms: i64) -> String {
    let price = json!({ "minor": 10_000, "currency": "KRW" });
    let lines = json!([{ "sku": "TV", "name": "TV", "quantity": 1, "price": price }]);
    let body = json!({ "order": order, "customer": "ann", "lines": lines, "amount": price, "placed_at_ms": at_ms });
    bench.say("ordering.order-placed.v1", order, body).await;
    format!("ordering/telling/{order}@1:1")
}

/// An order to look at, for the HTTP conventions.
pub(crate) async fn there(bench: &Bench) -> Vec<(&'static str, String)> {
    let how = format!("GET /mypage/orders/o1?after={}", placed(bench, "o1", 1_000).await);
    assert_eq!(bench.ask("ann", &how, None, Value::Null).await.status, 200);
    vec![("/mypage/orders/{id}", "/mypage/orders/o1".into())]
}

impl Fixture {
    fn open() -> Self {
        Self(Bench::open(service(&Settings::default()), api::routes))
    }

    async fn placed(&self, order: &str, at_ms: i64) -> String {
        placed(&self.0, order, at_ms).await
    }

    async fn get(&self, who: &str, uri: &str) -> (u16, Value) {
        let answer = self.0.ask(who, &format!("GET {uri}"), None, Value::Null).await;
        (answer.status, answer.body)
    }
}

#[tokio::test]
async fn a_customer_sees_ones_own_orders_newest_first() {
    let fixture = Fixture::open();
    fixture.placed("o1", 1_000).await;
    fixture.placed("o3", 3_000).await;
    let last = fixture.placed("o2", 2_000).await;
    for order in ["o1", "o3"] {
        let position = format!("ordering/telling/{order}@1:1");
        assert_eq!(fixture.get("ann", &format!("/mypage/orders?after={position}")).await.0, 200);
    }
    let (status, page) = fixture.get("ann", &format!("/mypage/orders?after={last}")).await;
    let ids: Vec<_> = page["items"].as_array().into_iter().flatten().map(|item| item["order_id"].clone()).collect();
    assert_eq!((status, ids), (200, vec![json!("o3"), json!("o2"), json!("o1")]));
    let first = &page["items"][0];
    assert_eq!(
        (&first["status"]["code"], &first["placed_at"]),
        (&json!("pending"), &json!("1970-01-01T00:00:03.000Z"))
    );
    assert_eq!(fixture.get("bob", "/mypage/orders").await.1["items"], json!([]));
}

#[tokio::test]
async fn one_order_is_shown_to_its_owner_only() {
    let fixture = Fixture::open();
    let position = fixture.placed("o1", 1_000).await;
    assert_eq!(fixture.get("ann", &format!("/mypage/orders/o1?after={position}")).await.0, 200);
    assert_eq!(fixture.get("bob", "/mypage/orders/o1").await.0, 404);
    assert_eq!(fixture.get("ann", "/mypage/orders/o9").await.0, 404);
}

#[tokio::test]
async fn a_position_that_never_comes_is_not_waited_for_without_end() {
    let fixture = Fixture::open();
    let (status, problem) = fixture.get("ann", "/mypage/orders?after=ordering/order/none@1:1").await;
    assert_eq!((status, &problem["type"]), (503, &json!("/errors/unavailable")));
    assert_eq!(fixture.get("ann", "/mypage/orders?after=garbage").await.0, 400);
}

#[tokio::test]
async fn a_row_that_changes_has_another_tag() {
    let fixture = Fixture::open();
    let position = fixture.placed("o1", 1_000).await;
    let tag = async |after: &str| {
        let how = format!("GET /mypage/orders/o1?after={after}");
        fixture.0.ask("ann", &how, None, Value::Null).await.headers["etag"].clone()
    };
    let before = tag(&position).await;
    assert_eq!(tag(&position).await, before);
    fixture.0.say("ordering.order-confirmed.v1", "o1", json!({ "order": "o1" })).await;
    assert_ne!(tag("ordering/telling/o1@2:2").await, before);
}

#[tokio::test]
async fn a_position_of_a_context_that_is_not_heard_is_refused() {
    let fixture = Fixture::open();
    for foreign in ["bank/account/1@1:1", "mypage/order/1@1:1"] {
        assert_eq!(fixture.get("ann", &format!("/mypage/orders?after={foreign}")).await.0, 400, "{foreign}");
    }
}

#[tokio::test]
async fn an_order_is_followed_until_everybody_has_said_his_last_word() {
    let fixture = Fixture::open();
    let position = fixture.placed("o1", 1_000).await;
    let mut followed = fixture.0.follow("ann", &format!("/mypage/orders/o1/events?after={position}"), None).await;
    let first = followed.next().await.expect("as it is");
    assert_eq!((followed.status, first.id, &first.data["status"]["code"]), (200, 1, &json!("pending")));
    for (fact, expected) in [
        ("product.stock-reserved.v1", "pending"),
        ("ordering.order-confirmed.v1", "preparing"),
        ("delivery.delivery-completed.v1", "delivered"),
        ("ordering.order-completed.v1", "delivered"),
        ("product.stock-committed.v1", "delivered"),
    ] {
        fixture.0.say(fact, "o1", json!({ "order": "o1" })).await;
        let next = followed.next().await.expect("it changed");
        assert_eq!(next.data["status"]["code"], expected, "{fact}");
    }
    assert_eq!(followed.next().await, None, "nothing can follow");
    let told = fixture.get("ann", "/mypage/orders/o1").await.1["told"].clone();
    assert_eq!(told.as_array().map(Vec::len), Some(6));
    let facts = told.as_array().into_iter().flatten();
    assert!(facts.clone().any(|told| told["context"] == "product" && told["fact"] == "stock-committed"), "{told}");
    assert_eq!(fixture.0.follow("ann", "/mypage/orders/o1/events", Some(6)).await.status, 204, "it was heard");
    assert_eq!(fixture.0.follow("bob", "/mypage/orders/o1/events", None).await.status, 404);
    assert_eq!(fixture.0.follow("ann", "/mypage/orders/o9/events", None).await.status, 404);
}
