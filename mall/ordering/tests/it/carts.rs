//! `/cart`.

use axum::{body::Body, http::Request};
use bongsu_testing::Answered;
use serde_json::{Value, json};

use crate::fixture::Fixture;

impl Fixture {
    async fn add(&self, who: &str, key: &str, sku: &str, quantity: Value) -> Answered {
        self.bench.ask(who, "POST /cart/items", Some(key), json!({ "sku": sku, "quantity": quantity })).await
    }

    async fn cart(&self, who: &str) -> Value {
        self.get(who, "/cart").await.body
    }

    /// Changes a line as it is seen now.
    async fn change(&self, method: &str, who: &str, uri: &str, body: Option<Value>) -> Answered {
        let seen = self.get(who, uri).await.headers.get("etag").cloned();
        let seen = seen.map_or("\"none\"".to_owned(), |tag| tag.to_str().expect("text").to_owned());
        self.change_seen(method, who, uri, body, &seen).await
    }

    /// Changes a line as it was seen.
    async fn change_seen(&self, method: &str, who: &str, uri: &str, body: Option<Value>, seen: &str) -> Answered {
        let how = format!("{method} {uri}");
        self.bench.ask_with(who, &how, &[("if-match", seen)], body.unwrap_or_default()).await
    }

    async fn check_out(&self, who: &str, key: &str) -> Answered {
        self.bench.ask(who, "POST /cart/checkout", Some(key), json!({ "address": "Seoul", "pay": "card" })).await
    }
}

/// What is in it, as sku and quantity.
fn content(cart: &Value) -> Vec<(String, u64)> {
    let lines = cart["lines"].as_array().cloned().unwrap_or_default();
    lines
        .iter()
        .map(|line| (line["sku"].as_str().expect("a sku").to_owned(), line["quantity"].as_u64().expect("a number")))
        .collect()
}

fn of(lines: &[(&str, u64)]) -> Vec<(String, u64)> {
    lines.iter().map(|(sku, quantity)| ((*sku).to_owned(), *quantity)).collect()
}

#[tokio::test]
async fn a_cart_is_created_filled_changed_and_checked_out_again_and_again() {
    let fixture = Fixture::open().await;
    let created = fixture.post("ann", "k1", "/cart", "").await;
    assert_eq!((created.status, &fixture.cart("ann").await["cart_id"]), (201, &created.body["cart_id"]));
    assert_eq!(fixture.add("ann", "k2", "TV", json!(2)).await.status, 200);
    assert_eq!(fixture.add("ann", "k3", "MASK", json!(1)).await.status, 200);
    assert_eq!(fixture.change("PUT", "ann", "/cart/items/TV", Some(json!({ "quantity": 3 }))).await.status, 200);
    assert_eq!(fixture.change("DELETE", "ann", "/cart/items/MASK", None).await.status, 200);
    let cart = fixture.cart("ann").await;
    assert_eq!((content(&cart), &cart["amount"]["minor"]), (of(&[("TV", 3)]), &json!(30_000)));
    let placed = fixture.check_out("ann", "k4").await;
    assert_eq!((placed.status, &placed.body["state"]), (202, &json!("PENDING")));
    let order = placed.body["order_id"].as_str().unwrap();
    assert_eq!(placed.headers["location"], format!("/orders/{order}"));
    assert_eq!(fixture.get("ann", &format!("/orders/{order}")).await.body["amount"]["minor"], 30_000);
    let after = fixture.cart("ann").await;
    assert_eq!((&after["state"], &after["last_order_id"], content(&after)), (&json!("NONE"), &json!(order), of(&[])));
    assert_eq!(fixture.add("ann", "k5", "MASK", json!(1)).await.status, 200, "the first item takes a new cart");
    assert_ne!(fixture.cart("ann").await["cart_id"], created.body["cart_id"]);
    assert_eq!(fixture.check_out("ann", "k6").await.status, 202);
}

#[tokio::test]
async fn checking_out_twice_with_one_key_is_one_order_and_with_another_none() {
    let fixture = Fixture::open().await;
    fixture.add("ann", "k1", "TV", json!(2)).await;
    let (first, again) = tokio::join!(fixture.check_out("ann", "k2"), fixture.check_out("ann", "k2"));
    assert_eq!((first.status, &first.body), (202, &again.body));
    let third = fixture.check_out("ann", "k3").await;
    assert_eq!((third.status, &third.body["type"]), (409, &json!("/errors/no-cart")));
    let position = first.body["position"].as_str().unwrap();
    let list = fixture.get("ann", &format!("/orders?after={position}")).await;
    assert_eq!(list.body["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn many_at_once_on_one_cart_all_count() {
    let fixture = Fixture::open().await;
    let keys: Vec<String> = (0..20).map(|number| format!("k{number}")).collect();
    let answers = futures::future::join_all(keys.iter().map(|key| fixture.add("ann", key, "TV", json!(1)))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(content(&fixture.cart("ann").await), of(&[("TV", 20)]));
}

#[tokio::test]
async fn a_cart_is_its_owners_alone() {
    let fixture = Fixture::open().await;
    fixture.add("ann", "k1", "TV", json!(2)).await;
    assert_eq!(content(&fixture.cart("bob").await), of(&[]));
    assert_eq!(fixture.get("bob", "/cart/history").await.body["items"], json!([]));
    assert_eq!(fixture.check_out("bob", "k2").await.status, 409);
    let nobody = Request::get("/cart").body(Body::empty()).unwrap();
    assert_eq!(fixture.bench.send(nobody).await.status, 401);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_its_place() {
    let fixture = Fixture::open().await;
    for (number, quantity) in
        [json!(0), json!(-1), json!(1.5), json!("2"), json!(4_294_967_296_u64), json!(1_001), Value::Null]
            .iter()
            .enumerate()
    {
        let answer = fixture.add("ann", &format!("q{number}"), "TV", quantity.clone()).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!("/quantity")), "{quantity}");
        let changed = fixture.change("PUT", "ann", "/cart/items/TV", Some(json!({ "quantity": quantity }))).await;
        assert_eq!((changed.status, &changed.body["type"]), (422, &json!("/errors/invalid-body")), "{quantity}");
    }
    for (number, sku) in ["SHIP", "", &"x".repeat(5_000)].iter().enumerate() {
        let answer = fixture.add("ann", &format!("s{number}"), sku, json!(1)).await;
        assert_eq!((answer.status, &answer.body["type"]), (422, &json!("/errors/unknown-product")), "{sku}");
        assert_eq!(answer.body["errors"][0]["pointer"], "/sku");
    }
    let odd = fixture.post("ann", "o", "/cart/items", r#"{"sku":"TV","quantity":1,"gift":true}"#).await;
    assert_eq!((odd.status, &odd.body["errors"][0]["pointer"]), (422, &json!("/gift")));
    assert_eq!(fixture.cart("ann").await["version"], 0, "none of it was stored");
    let keyless = fixture.bench.ask("ann", "POST /cart/items", None, json!({ "sku": "TV", "quantity": 1 })).await;
    assert_eq!((keyless.status, &keyless.body["type"]), (400, &json!("/errors/idempotency-key-missing")));
}

#[tokio::test]
async fn what_the_cart_does_not_allow_is_refused_with_its_reason() {
    let fixture = Fixture::open().await;
    let refused = |answer: Answered, status: u16, code: &str| {
        assert_eq!((answer.status, answer.body["type"].as_str()), (status, Some(format!("/errors/{code}").as_str())));
    };
    let one = || Some(json!({ "quantity": 1 }));
    refused(fixture.change("PUT", "ann", "/cart/items/TV", one()).await, 409, "no-cart");
    refused(fixture.change("DELETE", "ann", "/cart/items/TV", None).await, 409, "no-cart");
    refused(fixture.check_out("ann", "k0").await, 409, "no-cart");
    fixture.post("ann", "k1", "/cart", "").await;
    refused(fixture.post("ann", "k2", "/cart", "").await, 409, "cart-already-open");
    refused(fixture.check_out("ann", "k3").await, 409, "cart-empty");
    refused(fixture.change("PUT", "ann", "/cart/items/TV", one()).await, 404, "not-in-cart");
    refused(fixture.change("DELETE", "ann", "/cart/items/%00", None).await, 404, "not-in-cart");
    fixture.add("ann", "k4", "TV", json!(1_000)).await;
    refused(fixture.add("ann", "k5", "TV", json!(1)).await, 422, "invalid-body");
    let body = json!({ "address": " ", "pay": "card" }).to_string();
    refused(fixture.post("ann", "k6", "/cart/checkout", &body).await, 422, "invalid-body");
    let body = json!({ "address": "Seoul", "pay": "card", "prices": { "TV": 9_000 } }).to_string();
    let changed = fixture.post("ann", "k7", "/cart/checkout", &body).await;
    assert_eq!((changed.status, &changed.body["price"]["minor"]), (409, &json!(10_000)));
    assert_eq!(content(&fixture.cart("ann").await), of(&[("TV", 1_000)]), "the cart stays as it was");
}

#[tokio::test]
async fn a_line_is_changed_as_it_was_seen_and_not_over_somebody_elses_change() {
    let fixture = Fixture::open().await;
    let (tv, three) = ("/cart/items/TV", || Some(json!({ "quantity": 3 })));
    fixture.add("ann", "k1", "TV", json!(2)).await;
    let read = fixture.get("ann", tv).await;
    let seen = read.headers["etag"].to_str().expect("text").to_owned();
    assert_eq!((read.status, &read.body), (200, &json!({ "sku": "TV", "quantity": 2 })));
    for method in ["PUT", "DELETE"] {
        let blind = fixture
            .bench
            .ask("ann", &format!("{method} {tv}"), None, three().filter(|_| method == "PUT").unwrap_or_default())
            .await;
        assert_eq!((blind.status, &blind.body["type"]), (428, &json!("/errors/precondition-required")), "{method}");
    }
    fixture.add("ann", "k2", "MASK", json!(1)).await;
    assert_eq!(fixture.get("ann", tv).await.headers["etag"], seen, "another line does not touch it");
    let changed = fixture.change_seen("PUT", "ann", tv, three(), &seen).await;
    assert_eq!((changed.status, &changed.headers["etag"]), (200, &fixture.get("ann", tv).await.headers["etag"]));
    let again = fixture.change_seen("PUT", "ann", tv, three(), &seen).await;
    assert_eq!((again.status, again.body), (200, changed.body), "the same request once more");
    let other = fixture.change_seen("PUT", "ann", tv, Some(json!({ "quantity": 9 })), &seen).await;
    assert_eq!((other.status, &other.body["type"]), (412, &json!("/errors/precondition-failed")));
    let gone = fixture.change_seen("DELETE", "ann", tv, None, &seen).await;
    assert_eq!((gone.status, content(&fixture.cart("ann").await)), (412, of(&[("TV", 3), ("MASK", 1)])));
    assert_eq!(fixture.get("bob", tv).await.status, 404, "its owner's alone");
    fixture.check_out("ann", "k3").await;
    fixture.add("ann", "k4", "TV", json!(2)).await;
    assert_ne!(fixture.get("ann", tv).await.headers["etag"], seen, "another cart, another line");
}

#[tokio::test]
async fn a_cart_is_shown_as_it_was_at_a_version_or_a_time() {
    let fixture = Fixture::open().await;
    assert_eq!(fixture.get("ann", "/cart?version=1").await.status, 404);
    fixture.add("ann", "k1", "TV", json!(2)).await;
    fixture.change("PUT", "ann", "/cart/items/TV", Some(json!({ "quantity": 5 }))).await;
    let at = |query: &'static str| fixture.get("ann", query);
    assert_eq!(content(&at("/cart?version=1").await.body), of(&[]));
    assert_eq!(content(&at("/cart?version=2").await.body), of(&[("TV", 2)]));
    assert_eq!(content(&at("/cart?version=3").await.body), of(&[("TV", 5)]));
    let trail = fixture.get("ann", "/cart/history").await.body["items"].clone();
    let now = trail[2]["at"].as_str().unwrap().to_owned();
    let then = fixture.get("ann", &format!("/cart?at={now}")).await;
    assert_eq!((then.status, content(&then.body)), (200, of(&[("TV", 5)])));
    let beyond = at("/cart?version=4").await;
    assert_eq!(
        (beyond.status, &beyond.body["type"], &beyond.body["version"]),
        (404, &json!("/errors/no-such-version"), &json!(3))
    );
    let before = at("/cart?at=2020-01-01T00:00:00Z").await;
    assert_eq!((before.status, &before.body["type"]), (404, &json!("/errors/not-yet")));
    let bad = ["at=2999-01-01T00:00:00Z", "at=noon", "at=", "version=0", "version=-1", "version=x"];
    for bad in bad.into_iter().chain(["version=1&at=2020-01-01T00:00:00Z"]) {
        let answer = fixture.get("ann", &format!("/cart?{bad}")).await;
        assert_eq!((answer.status, &answer.body["type"]), (400, &json!("/errors/bad-request")), "{bad}");
    }
}

#[tokio::test]
async fn an_order_is_shown_as_it_was_and_to_its_owner_only() {
    let fixture = Fixture::open().await;
    let order = fixture.confirmed("k1").await;
    let state = async |who: &str, query: &str| {
        let answer = fixture.get(who, &format!("/orders/{order}?{query}")).await;
        (answer.status, answer.body["state"].clone())
    };
    assert_eq!(state("ann", "version=1").await, (200, json!("PENDING")));
    assert_eq!(state("ann", "version=2").await, (200, json!("CONFIRMED")));
    assert_eq!(state("ann", "version=3").await.0, 404);
    assert_eq!(state("ann", "at=2020-01-01T00:00:00Z").await.0, 404);
    assert_eq!(state("ann", "version=0").await.0, 400);
    assert_eq!(state("bob", "version=1").await.0, 404);
    let beyond = fixture.get("bob", &format!("/orders/{order}?version=9")).await;
    assert_eq!(beyond.body["version"], Value::Null, "not even how far it is");
}

#[tokio::test]
async fn the_audit_trail_says_who_did_what_when_by_which_command_page_by_page() {
    let fixture = Fixture::open().await;
    fixture.add("ann", "k1", "TV", json!(2)).await;
    fixture.change("DELETE", "ann", "/cart/items/TV", None).await;
    let first = fixture.get("ann", "/cart/history?limit=2").await;
    let items = first.body["items"].as_array().cloned().unwrap();
    let shown = |item: &Value| (item["version"].clone(), item["what"].clone(), item["command"].clone());
    assert_eq!(shown(&items[0]), (json!(1), json!("cart.created.v1"), json!("cart.add-item.v1")));
    assert_eq!(shown(&items[1]), (json!(2), json!("cart.item-added.v1"), json!("cart.add-item.v1")));
    assert_eq!((&items[1]["who"], &items[1]["data"]["quantity"]), (&json!("ann"), &json!(2)));
    let next = first.body["next"].as_str().unwrap();
    let second = fixture.get("ann", &format!("/cart/history?limit=2&cursor={next}")).await;
    assert_eq!(
        shown(&second.body["items"][0]),
        (json!(3), json!("cart.item-removed.v1"), json!("cart.remove-item.v1"))
    );
    assert_eq!(second.body["next"], Value::Null);
    assert_eq!(fixture.get("ann", "/cart/history?cursor=6162").await.status, 400);
    assert_eq!(fixture.get("ann", "/cart/history?cursor=ffffffffffffffff").await.status, 400);
}
