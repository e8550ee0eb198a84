//! `POST /orders/{id}/cancel`, and what the other contexts say meanwhile.

use bongsu_testing::Answered;
use serde_json::json;

use crate::fixture::Fixture;

async fn cancel(fixture: &Fixture, who: &str, key: &str, order: &str) -> Answered {
    fixture.post(who, key, &format!("/orders/{order}/cancel"), "").await
}

#[tokio::test]
async fn a_pending_order_is_cancelled_at_once() {
    let fixture = Fixture::open().await;
    let order = fixture.placed("k1").await;
    assert_eq!(cancel(&fixture, "ann", "c1", &order).await.status, 202);
    let shown = fixture.get("ann", &format!("/orders/{order}")).await;
    assert_eq!((&shown.body["state"], &shown.body["why"]), (&json!("CANCELLED"), &json!("customer")));
    let again = cancel(&fixture, "ann", "c2", &order).await;
    assert_eq!((again.status, &again.body["type"]), (409, &json!("/errors/already-ended")));
}

#[tokio::test]
async fn a_confirmed_order_waits_for_delivery_which_says_yes() {
    let fixture = Fixture::open().await;
    let order = fixture.confirmed("k1").await;
    assert_eq!(cancel(&fixture, "ann", "c1", &order).await.status, 202);
    let shown = fixture.get("ann", &format!("/orders/{order}")).await;
    assert_eq!((&shown.body["state"], &shown.body["cancellation"]), (&json!("CONFIRMED"), &json!("REQUESTED")));
    let again = cancel(&fixture, "ann", "c2", &order).await;
    assert_eq!((again.status, &again.body["type"]), (409, &json!("/errors/cancellation-pending")));
    let fact = json!({ "order": order, "at_ms": 1 });
    fixture.bench.say("delivery.delivery-cancelled.v1", &order, fact).await;
    fixture.is_at(&order, "CANCELLED").await;
}

#[tokio::test]
async fn a_confirmed_order_that_has_left_is_not_given_back() {
    let fixture = Fixture::open().await;
    let order = fixture.confirmed("k1").await;
    let fact = json!({ "order": order, "at_ms": 1 });
    fixture.bench.say("delivery.delivery-departed.v1", &order, fact.clone()).await;
    assert_eq!(cancel(&fixture, "ann", "c1", &order).await.status, 202);
    let refused = async || fixture.get("ann", &format!("/orders/{order}")).await.body["cancellation"] == "REFUSED";
    fixture.bench.until(refused).await;
    fixture.bench.say("delivery.delivery-completed.v1", &order, fact).await;
    fixture.is_at(&order, "COMPLETED").await;
}

#[tokio::test]
async fn an_order_short_of_stock_is_rejected_with_what_is_short() {
    let fixture = Fixture::open().await;
    let order = fixture.placed("k1").await;
    let short = json!([{ "sku": "TV", "asked": 2, "available": 1 }]);
    let fact = json!({ "order": order, "short": short });
    fixture.bench.say("product.stock-rejected.v1", &order, fact).await;
    fixture.is_at(&order, "REJECTED").await;
    let shown = fixture.get("ann", &format!("/orders/{order}")).await;
    assert_eq!((&shown.body["why"], &shown.body["short"]), (&json!("out-of-stock"), &short));
}

#[tokio::test]
async fn only_the_owner_cancels() {
    let fixture = Fixture::open().await;
    let order = fixture.placed("k1").await;
    assert_eq!(cancel(&fixture, "bob", "c1", &order).await.status, 404);
    assert_eq!(cancel(&fixture, "ann", "c1", "ord_none").await.status, 404);
    fixture.is_at(&order, "PENDING").await;
}
