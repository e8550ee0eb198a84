//! What a client gets wrong.

use serde_json::{Value, json};
use system_tests::{
    evidence::Heard,
    harness::{
        Mall,
        http::{Http, Response},
        orders::order_of,
        people::CUSTOMER,
        system::System,
        wait::until,
    },
};

use crate::{PATIENCE, nobody_fell};

/// Bytes a service takes in one body.
const MOST_BYTES: usize = 256 << 10;

/// A body, the status it gets, and a place or code its problem names.
type Case = (&'static str, String, u16, &'static str);

#[test]
fn nonsense_is_answered_with_a_problem_and_changes_nothing() {
    let mall = Mall::start(System::of_the_mall());
    mall.until_sold("TV");
    let before = mall.evidence();
    let http = Http::new();
    for (what, body, status, named) in cases() {
        let answer = ask(&http, &mall, what, body);
        println!("{what}: {status} {}", String::from_utf8_lossy(&answer.body));
        is_problem(what, &answer, status);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.contains(named), "{what}: {text} does not name {named}");
        assert_eq!(mall.get(&format!("/orders/{}", mall.order_id(what))).status, 404, "{what} placed an order");
    }
    let after = mall.evidence();
    for (context, dump) in &before.stores {
        assert_eq!(dump.events.len(), after.store(context).events.len(), "{context} wrote something");
    }
    nobody_fell(&mall);
    let placed = mall.place("a good one", &[("TV", 1)]);
    assert_eq!(placed.heard, Heard::Accepted, "{placed:?}");
}

#[test]
fn a_key_belongs_to_one_body() {
    let mall = Mall::start(System::of_the_mall());
    mall.until_sold("TV");
    let first = mall.post("/orders", "one key", &order_of(&[("TV", 1)])).expect(202);
    let other = mall.post("/orders", "one key", &order_of(&[("TV", 2)]));
    is_problem("another body", &other, 422);
    let again = mall.post("/orders", "one key", &order_of(&[("TV", 1)])).expect(202);
    assert_eq!(first.body, again.body, "the same request is the same answer");
    let none = mall.ask("POST", "/orders", None, Some(&order_of(&[("TV", 1)]))).expect("an answer");
    is_problem("no key", &none, 400);
    mall.until_order(&mall.order_id("one key"), &["COMPLETED"]);
    until("one order of one piece has left", PATIENCE, || match mall.stock("TV") {
        (9, 0, 9) => Ok(()),
        stock => Err(format!("{stock:?}")),
    });
    nobody_fell(&mall);
}

fn cases() -> Vec<Case> {
    let order = |lines: Value| json!({ "lines": lines, "address": "here", "pay": "card" }).to_string();
    let quantity = |quantity: Value| order(json!([{ "sku": "TV", "quantity": quantity }]));
    let mut unknown: Value = order_of(&[("TV", 1)]);
    unknown["lines"][0]["colour"] = "red".into();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let huge = order(json!([{ "sku": "T".repeat(MOST_BYTES), "quantity": 1 }]));
    vec![
        ("garbage", "{\"lines\": [}".into(), 400, "/errors/"),
        ("no JSON at all", "\u{1}\u{2}%%%".into(), 400, "/errors/"),
        ("too large", huge, 413, "/errors/"),
        ("too deep", deep, 400, "/errors/"),
        ("an unknown field", unknown.to_string(), 422, "\"/lines/0/colour\""),
        ("a text for a number", quantity(json!("two")), 422, "\"/lines/0/quantity\""),
        ("an object for a list", order(json!({})), 422, "\"/lines\""),
        ("an unknown way to pay", order(json!([])).replace("card", "shells"), 422, "\"/pay\""),
        ("a negative quantity", quantity(json!(-1)), 422, "\"/lines/0/quantity\""),
        ("half a piece", quantity(json!(0.5)), 422, "\"/lines/0/quantity\""),
        ("no pieces", quantity(json!(0)), 422, "\"/lines/0/quantity\""),
        ("too many pieces", quantity(json!(1_001)), 422, "\"/lines/0/quantity\""),
        ("more than fits a number", quantity(json!(4_294_967_297_u64)), 422, "\"/lines/0/quantity\""),
        (
            "more than fits any number",
            quantity(json!(1)).replace("\"quantity\":1", "\"quantity\":1e400"),
            400,
            "/errors/",
        ),
        ("no lines", order(json!([])), 422, "\"/lines\""),
        ("an unknown product", order(json!([{ "sku": "GOLD", "quantity": 1 }])), 422, "/errors/unknown-product"),
        ("a price nobody saw", order(json!([{ "sku": "TV", "quantity": 1, "price_minor": 1 }])), 409, "price-changed"),
        ("a zero byte", quantity(json!(1)).replace("here", "he\\u0000re"), 422, "\"/address\""),
    ]
}

/// Asks with a body that may be no JSON.
fn ask(http: &Http, mall: &Mall, key: &str, body: String) -> Response {
    let url = format!("{}/orders", mall.gateway());
    let bearer = format!("Bearer {}", mall.token(CUSTOMER));
    let headers = [("authorization", &*bearer), ("idempotency-key", key), ("content-type", "application/json")];
    http.request("POST", &url, &headers, body.into_bytes()).unwrap_or_else(|why| panic!("{key}: no answer: {why}"))
}

fn is_problem(what: &str, answer: &Response, status: u16) {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}: {answer:?}");
    assert_eq!(answer.json()["status"], status, "{what}: {answer:?}");
}
