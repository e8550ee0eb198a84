//! `/stock/{sku}`, and what orders do to it.

use serde_json::{Value, json};

use crate::fixture::Fixture;

async fn places(fixture: &Fixture, order: &str, quantity: u64) {
    let body = json!({ "order": order, "lines": [{ "sku": "TV", "quantity": quantity }] });
    fixture.bench.say("ordering.order-placed.v1", order, body).await;
}

async fn ends(fixture: &Fixture, order: &str, fact: &str) {
    fixture.bench.say(fact, order, json!({ "order": order })).await;
}

async fn stock(fixture: &Fixture) -> Value {
    fixture.get("/stock/TV").await.body
}

async fn becomes(fixture: &Fixture, on_hand: u64, reserved: u64) {
    fixture
        .bench
        .until(async || stock(fixture).await["on_hand"] == on_hand && stock(fixture).await["reserved"] == reserved)
        .await;
    assert_eq!(stock(fixture).await["available"], on_hand - reserved);
}

#[tokio::test]
async fn an_order_holds_stock_until_it_is_completed() {
    let fixture = Fixture::open();
    fixture.with_ten_tvs().await;
    places(&fixture, "o1", 2).await;
    becomes(&fixture, 10, 2).await;
    ends(&fixture, "o1", "ordering.order-completed.v1").await;
    becomes(&fixture, 8, 0).await;
}

#[tokio::test]
async fn an_order_that_ended_gives_back_what_it_holds_and_only_that() {
    let fixture = Fixture::open();
    fixture.with_ten_tvs().await;
    places(&fixture, "o1", 10).await;
    becomes(&fixture, 10, 10).await;
    places(&fixture, "o2", 100).await;
    ends(&fixture, "o2", "ordering.order-rejected.v1").await;
    ends(&fixture, "o1", "ordering.order-cancelled.v1").await;
    becomes(&fixture, 10, 0).await;
    // A later order of the same key space shows that everything before it was handled.
    places(&fixture, "o3", 1).await;
    becomes(&fixture, 10, 1).await;
}

#[tokio::test]
async fn operators_receive_and_correct_but_never_below_what_orders_hold() {
    let fixture = Fixture::open();
    fixture.with_ten_tvs().await;
    places(&fixture, "o1", 4).await;
    becomes(&fixture, 10, 4).await;
    let adjust = async |key: &str, by: i64| fixture.post(key, "/stock/TV/adjustments", json!({ "by": by })).await;
    let refused = adjust("a1", -7).await;
    assert_eq!((refused.status, &refused.body["reserved"]), (409, &json!(4)));
    assert_eq!(adjust("a2", -6).await.status, 201);
    becomes(&fixture, 4, 4).await;
}

#[tokio::test]
async fn a_receipt_sent_twice_counts_once() {
    let fixture = Fixture::open();
    fixture.with_ten_tvs().await;
    for _ in 0..2 {
        assert_eq!(fixture.post("r1", "/stock/TV/receipts", json!({ "quantity": 5 })).await.status, 201);
    }
    assert_eq!(stock(&fixture).await["on_hand"], 15);
}

#[tokio::test]
async fn what_is_no_receipt_is_refused_with_its_place() {
    let fixture = Fixture::open();
    fixture.with_ten_tvs().await;
    for (number, quantity) in [json!(0), json!(-1), json!(1.5), json!(4_294_967_296_u64), json!("1")].iter().enumerate()
    {
        let answer = fixture.post(&format!("k{number}"), "/stock/TV/receipts", json!({ "quantity": quantity })).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!("/quantity")), "{quantity}");
    }
    let full = fixture.post("full", "/stock/TV/receipts", json!({ "quantity": 1_000_000_000 })).await;
    assert_eq!((full.status, &full.body["type"]), (409, &json!("/errors/shelf-full")));
    assert_eq!(fixture.post("none", "/stock/SHIP/receipts", json!({ "quantity": 1 })).await.status, 404);
    assert_eq!(fixture.get("/stock/a%00b").await.status, 404);
    assert_eq!(stock(&fixture).await["on_hand"], 10);
}

#[tokio::test]
async fn stock_is_followed_from_what_it_is_now() {
    let fixture = Fixture::open();
    fixture.with_ten_tvs().await;
    fixture.post("r1", "/stock/TV/receipts", json!({ "quantity": 5 })).await;
    let mut followed = fixture.bench.follow("", "/stock/TV/events", None).await;
    let now = followed.next().await.expect("the newest comes first");
    assert_eq!((followed.status, now.id, now.name.as_str(), &now.data["available"]), (200, 2, "stock", &json!(15)));
    fixture.post("r2", "/stock/TV/receipts", json!({ "quantity": 1 })).await;
    let later = followed.next().await.expect("then what changes");
    assert_eq!((later.id, &later.data["available"]), (3, &json!(16)));
    let mut back = fixture.bench.follow("", "/stock/TV/events", Some(2)).await;
    assert_eq!(back.next().await.expect("what was missed").id, 3);
    for (path, heard, refused) in [("/stock/NONE/events", None, 404), ("/stock/TV/events", Some(99), 400)] {
        assert_eq!(fixture.bench.follow("", path, heard).await.status, refused, "{path} {heard:?}");
    }
}
