//! `GET /orders` and `GET /orders/{id}`.

use bongsu_runtime::Range;
use bongsu_testing::Answered;
use ordering::projections::orders_of_customer::{BY_CUSTOMER, OrdersOfCustomer, customer_prefix};
use serde_json::{Value, json};

use crate::fixture::Fixture;

#[tokio::test]
async fn an_order_is_shown_to_its_owner_only() {
    let fixture = Fixture::open().await;
    let order = fixture.placed("k1").await;
    let answer = fixture.get("ann", &format!("/orders/{order}")).await;
    assert_eq!((answer.status, &answer.body["state"]), (200, &json!("PENDING")));
    assert_eq!(answer.body["amount"], json!({ "minor": 20_000, "currency": "KRW" }));
    assert!(answer.body["placed_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{answer:?}");
    assert_eq!(fixture.get("bob", &format!("/orders/{order}")).await.status, 404);
    assert_eq!(fixture.get("ann", "/orders/ord_none").await.status, 404);
}

#[tokio::test]
async fn an_unchanged_order_is_not_sent_again() {
    let fixture = Fixture::open().await;
    let order = fixture.placed("k1").await;
    let etag = fixture.get("ann", &format!("/orders/{order}")).await.headers["etag"].clone();
    let known = [("if-none-match", etag.to_str().expect("text"))];
    let answer = fixture.bench.ask_with("ann", &format!("GET /orders/{order}"), &known, Value::Null).await;
    assert_eq!(answer.status, 304);
}

#[tokio::test]
async fn a_list_shows_ones_own_orders_newest_first_page_by_page() {
    let fixture = Fixture::open().await;
    let mut newest = String::new();
    for key in ["k1", "k2", "k3"] {
        newest = fixture.placed(key).await;
    }
    let first = fixture.get("ann", &format!("/orders?limit=2&after=ordering/order/{newest}@1:1")).await;
    let link = first.headers["link"].to_str().unwrap();
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    let second = fixture.get("ann", next).await;
    let items = |answer: &Answered| answer.body["items"].as_array().cloned().unwrap_or_default();
    assert_eq!((items(&first).len(), items(&second).len(), second.headers.get("link")), (2, 1, None));
    let all = [items(&first), items(&second)].concat();
    let key = |item: &Value| (item["placed_at"].to_string(), item["order_id"].to_string());
    assert!(all.is_sorted_by(|newer, older| key(newer) > key(older)), "{all:?}");
    assert_eq!(fixture.get("bob", "/orders").await.body["items"], json!([]));
}

#[tokio::test]
async fn nobody_reads_on_with_the_cursor_of_somebody_else() {
    let fixture = Fixture::open().await;
    for key in ["k1", "k2"] {
        fixture.placed(key).await;
    }
    let list = async || fixture.get("ann", "/orders?limit=1").await;
    fixture.bench.until(async || list().await.headers.contains_key("link")).await;
    let link = list().await.headers["link"].to_str().unwrap().to_owned();
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    assert_eq!(fixture.get("ann", next).await.status, 200);
    assert_eq!(fixture.get("bob", next).await.status, 400);
    // Were the seal forged, the range itself shows nothing of ann: the key is behind bob's, and ann's before it.
    let after = Some([&customer_prefix("zoe")[..], &[255]].concat().into());
    let range = Range { index: Some(BY_CUSTOMER), prefix: customer_prefix("bob"), after, descending: true, limit: 9 };
    assert_eq!(fixture.bench.handle.rows::<OrdersOfCustomer>(range).await.unwrap().rows.len(), 0);
}

#[tokio::test]
async fn a_wrong_position_or_page_is_refused() {
    let fixture = Fixture::open().await;
    for bad in ["after=x", "after=ordering/order/none@1:1", "after=bank/a/1@1:1", "limit=0", "limit=1000", "cursor=zz"]
    {
        assert_eq!(fixture.get("ann", &format!("/orders?{bad}")).await.status, 400, "{bad}");
    }
}
