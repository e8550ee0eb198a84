//! A cart, decided by two instances of ordering at once, and what is left of it for ever.

use std::thread;

use serde_json::{Value, json};
use system_tests::{
    evidence::Heard,
    harness::{
        Mall,
        http::{Http, Response},
        people::CUSTOMER,
        system::System,
    },
    rules,
};

/// Tabs at once on one customer's cart.
const SENDERS: usize = 6;

fn add(mall: &Mall, key: &str, sku: &str, quantity: u32) -> Response {
    mall.post("/cart/items", key, &json!({ "sku": sku, "quantity": quantity }))
}

fn pieces(cart: &Value, sku: &str) -> u64 {
    let lines = cart["lines"].as_array().cloned().unwrap_or_default();
    lines.iter().find(|line| line["sku"] == sku).and_then(|line| line["quantity"].as_u64()).unwrap_or(0)
}

/// Everybody adds ten pens, each asks twice with the same key; how many were accepted.
fn everybody_adds(mall: &Mall, when: &str) -> u64 {
    thread::scope(|scope| {
        let send = |sender: usize| {
            let added = (0..10).filter(|number| {
                let key = format!("{when} {sender} {number}");
                let (first, again) = (add(mall, &key, "PEN", 1), add(mall, &key, "PEN", 1));
                assert!(matches!(first.status, 200 | 409 | 502 | 503), "{first:?}");
                assert!(again.status == 200 || again.status == 409, "{again:?}");
                again.status == 200
            });
            added.count() as u64
        };
        let senders: Vec<_> = (0..SENDERS).map(|sender| scope.spawn(move || send(sender))).collect();
        senders.into_iter().map(|sender| sender.join().expect("a sender ends")).sum()
    })
}

/// Everybody checks out with a key of their own; the one order.
fn everybody_checks_out(mall: &Mall) -> String {
    let answers: Vec<_> = thread::scope(|scope| {
        let out = |sender: usize| mall.check_out(&format!("check out {sender}"));
        let senders: Vec<_> = (0..SENDERS).map(|sender| scope.spawn(move || out(sender))).collect();
        senders.into_iter().map(|sender| sender.join().expect("a sender ends")).collect()
    });
    let accepted: Vec<_> = answers.iter().filter(|placed| placed.heard == Heard::Accepted).collect();
    assert_eq!(accepted.len(), 1, "{answers:?}");
    for placed in answers.iter().filter(|placed| placed.heard == Heard::Refused) {
        let refused = placed.answer.as_ref().expect("an answer").json();
        assert!(["/errors/no-cart", "/errors/cart-changed"].iter().any(|code| refused["type"] == *code), "{refused}");
    }
    accepted[0].order.clone()
}

#[test]
fn a_cart_filled_through_two_instances_of_which_one_is_killed_becomes_one_order() {
    let mall = Mall::start(System::of_the_mall().instances("ordering", 2).set("ordering", "snapshot_every", 10));
    mall.put_on_sale("PEN", 1_000, 1_000);
    let _ = mall.post("/cart", "a cart", &json!({})).expect(201);
    let first = everybody_adds(&mall, "before");
    mall.said_by(&["kill", "ordering-1"]);
    let all = first + everybody_adds(&mall, "after");
    assert!(all > 0);
    assert_eq!(pieces(&mall.get("/cart").expect(200).json(), "PEN"), all, "every accepted pen is in, once");
    let pen = format!("{}/cart/items/PEN", mall.gateway());
    let seen = mall.get("/cart/items/PEN").expect(200).headers["etag"].to_str().expect("text").to_owned();
    let bearer = format!("Bearer {}", mall.token(CUSTOMER));
    let headers =
        [("content-type", "application/json"), ("if-match", seen.as_str()), ("authorization", bearer.as_str())];
    let body = json!({ "quantity": 3 }).to_string().into_bytes();
    let _ = Http::new().request("PUT", &pen, &headers, body).expect("an answer").expect(200);

    let order = everybody_checks_out(&mall);
    assert_eq!(mall.until_order(&order, &["CONFIRMED", "COMPLETED"])["amount"]["minor"], 3_000);
    assert_eq!(mall.get("/cart").expect(200).json()["last_order_id"], order.as_str());
    look_back(&mall, all);
    let evidence = mall.quiesce(std::time::Duration::from_secs(30), rules::ALL);
    assert!(rules::snapshots::are_sound(&evidence).expect("every snapshot is the fold of its events") > 0);
    drop(mall.end());
}

/// The past of the cart, and what its operator sees.
fn look_back(mall: &Mall, pens: u64) {
    let now = mall.get("/cart").json()["version"].as_u64().expect("a version");
    let at = |version: u64| mall.get(&format!("/cart?version={version}")).expect(200).json();
    assert_eq!((pieces(&at(now - 1), "PEN"), pieces(&at(now - 2), "PEN"), &at(1)["lines"]), (3, pens, &json!([])));
    let trail = mall.get("/cart/history?limit=200").expect(200).json()["items"].as_array().cloned().expect("a list");
    assert_eq!((trail.len() as u64, &trail[0]["what"]), (now.min(200), &json!("cart.created.v1")));
    let opened = trail[0]["at"].as_str().expect("a time");
    assert_eq!(mall.get(&format!("/cart?at={opened}")).expect(200).json()["state"], "OPEN");
    assert_eq!(mall.get("/cart?at=2020-01-01T09:00:00%2B09:00").json()["type"], "/errors/not-yet");

    assert!(mall.said_by(&["snapshot", "ordering"]).starts_with("1 snapshots written"), "of the one cart");
    let customer = mall.person(CUSTOMER);
    let stream = mall.said_by(&["stream", "ordering", &format!("cart/{customer}")]);
    let head = stream.lines().next().unwrap_or_default();
    assert_eq!(head, format!("cart/{customer}: version {now}, snapshot at {now}, 0 events folded"));
    let last = format!("{customer} cart.checked-out.v1 by cart.check-out.v1");
    assert!(stream.lines().last().is_some_and(|line| line.contains(&last)), "{stream}");
}
