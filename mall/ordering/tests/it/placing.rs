//! `POST /orders`.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::fixture::{Fixture, two_tvs};

fn lines(lines: Value) -> Value {
    json!({ "lines": lines, "address": "Seoul", "pay": "card" })
}

#[tokio::test]
async fn an_order_is_stored_and_answered_as_pending() {
    let fixture = Fixture::open().await;
    let answer = fixture.place_as("ann", "k1", &two_tvs()).await;
    assert_eq!((answer.status, &answer.body["state"]), (202, &json!("PENDING")));
    let order = answer.body["order_id"].as_str().unwrap();
    assert!(order.starts_with("ord_"), "{order}");
    assert_eq!(answer.headers["location"], format!("/orders/{order}"));
    assert!(answer.body["position"].as_str().unwrap().starts_with(&format!("ordering/order/{order}@1:")));
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_another_body_is_refused() {
    let fixture = Fixture::open().await;
    let first = fixture.place_as("ann", "k1", &two_tvs()).await;
    let again = fixture.place_as("ann", "k1", &two_tvs()).await;
    assert_eq!((again.status, &again.body), (202, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = fixture.place_as("ann", "k1", &lines(json!([{ "sku": "TV", "quantity": 3 }]))).await;
    assert_eq!((other.status, &other.body["type"]), (422, &json!("/errors/idempotency-key-reused")));
    let somebody_else = fixture.place_as("bob", "k1", &two_tvs()).await;
    assert_ne!(somebody_else.body["order_id"], first.body["order_id"]);
}

#[tokio::test]
async fn many_requests_with_one_key_make_one_order() {
    let fixture = Fixture::open().await;
    let body = two_tvs();
    let same = || fixture.place_as("ann", "k1", &body);
    let (a, b, c, d) = tokio::join!(same(), same(), same(), same());
    for other in [b, c, d] {
        assert_eq!((other.status, &other.body), (202, &a.body));
    }
    let position = a.body["position"].as_str().unwrap();
    let list = fixture.get("ann", &format!("/orders?after={position}")).await;
    assert_eq!(list.body["items"].as_array().map(Vec::len), Some(1));
}

/// Each is refused with this problem at this place.
async fn refuses(fixture: &Fixture, status: u16, code: &str, cases: Vec<(Value, &str)>) {
    for (body, pointer) in cases {
        let key = body.to_string().chars().take(200).collect::<String>();
        let answer = fixture.place_as("ann", &key, &body).await;
        assert_eq!((answer.status, answer.body["type"].as_str()), (status, Some(code)), "{body} {answer:?}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    assert_eq!(fixture.get("ann", "/orders").await.body["items"], json!([]), "none of it was stored");
}

fn one(line: Value) -> Value {
    lines(json!([line]))
}

#[tokio::test]
async fn a_body_that_cannot_be_meant_is_refused_with_its_place() {
    let fixture = Fixture::open().await;
    let many = json!(vec![json!({ "sku": "TV", "quantity": 1 }); 51]);
    let tv = json!([{ "sku": "TV", "quantity": 1 }]);
    let cases = vec![
        (lines(json!([])), "/lines"),
        (lines(many), "/lines"),
        (one(json!({ "sku": "a\u{0}b", "quantity": 1 })), "/lines/0/sku"),
        (one(json!({ "sku": "TV", "quantity": 1, "colour": "red" })), "/lines/0/colour"),
        (json!({ "lines": tv, "address": " ", "pay": "card" }), "/address"),
        (json!({ "lines": tv, "address": "Seoul", "pay": "shells" }), "/pay"),
        (json!({ "lines": tv, "address": "Seoul" }), ""),
    ];
    refuses(&fixture, 422, "/errors/invalid-body", cases).await;
}

#[tokio::test]
async fn a_quantity_that_cannot_be_meant_is_refused_with_its_place() {
    let fixture = Fixture::open().await;
    let quantities = json!([0, -1, 1.5, "2", 4_294_967_296_u64, 1_001, null, [1]]);
    let quantities = quantities.as_array().cloned().unwrap_or_default();
    let case = |quantity| (one(json!({ "sku": "TV", "quantity": quantity })), "/lines/0/quantity");
    refuses(&fixture, 422, "/errors/invalid-body", quantities.into_iter().map(case).collect()).await;
}

#[tokio::test]
async fn what_is_not_sold_is_refused_with_its_place() {
    let fixture = Fixture::open().await;
    let case = |sku: &str| (one(json!({ "sku": sku, "quantity": 1 })), "/lines/0/sku");
    refuses(&fixture, 422, "/errors/unknown-product", vec![case("SHIP"), case(""), case(&"x".repeat(5_000))]).await;
}

#[tokio::test]
async fn a_changed_price_is_told_with_the_refusal() {
    let fixture = Fixture::open().await;
    let seen = lines(json!([{ "sku": "TV", "quantity": 1, "price_minor": 9_000 }]));
    let answer = fixture.place_as("ann", "k1", &seen).await;
    assert_eq!(answer.status, 409);
    assert_eq!((&answer.body["sku"], &answer.body["price"]["minor"]), (&json!("TV"), &json!(10_000)));
    assert_eq!(answer.body["errors"][0]["pointer"], "/lines/0/price_minor");
}

#[tokio::test]
async fn garbage_is_refused_before_anybody_thinks() {
    let fixture = Fixture::open().await;
    let post = async |body: &str| fixture.post("ann", "k1", "/orders", body).await.status;
    assert_eq!(post("{").await, 400);
    assert_eq!(post("[]").await, 422);
    assert_eq!(post(&"[".repeat(100_000)).await, 400);
    assert_eq!(post(&format!("{{\"address\":\"{}\"}}", "x".repeat(400_000))).await, 413);
    let keyless = Request::post("/orders").header("x-bongsu-principal", "ann").body(Body::from("{}")).unwrap();
    let answer = fixture.bench.send(keyless).await;
    assert_eq!((answer.status, &answer.body["type"]), (400, &json!("/errors/idempotency-key-missing")));
    let nobody = Request::post("/orders").header("idempotency-key", "k1").body(Body::from("{}")).unwrap();
    assert_eq!(fixture.bench.send(nobody).await.status, 401);
}
