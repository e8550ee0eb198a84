//! `/cart` of whoever comes without a login, and what a login makes of it.

use bongsu_testing::Answered;
use serde_json::{Value, json};

use crate::fixture::Fixture;

const GUEST: &str = "vis_1";

/// Somebody, as the gateway names him to a service that is tested alone.
#[derive(Clone, Copy)]
enum Who {
    /// Logged in.
    Customer(&'static str),
    /// Not logged in.
    Visitor(&'static str),
    /// Logged in, in a browser that was a visitor's.
    Both(&'static str, &'static str),
}
use Who::{Both, Customer, Visitor};

impl Fixture {
    async fn as_whom(&self, who: Who, how: &str, key: &str, body: Value) -> Answered {
        let (name, visitor) = match who {
            Customer(name) => (name, None),
            Visitor(id) => (id, Some(id)),
            Both(name, id) => (name, Some(id)),
        };
        let visitor = visitor.map(|id| ("x-bongsu-visitor", id));
        let with: Vec<_> = [("idempotency-key", key)].into_iter().chain(visitor).collect();
        self.bench.ask_with(name, how, &with, body).await
    }

    async fn puts(&self, who: Who, key: &str, sku: &str, quantity: u32) {
        let answer = self.as_whom(who, "POST /cart/items", key, json!({ "sku": sku, "quantity": quantity })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    async fn merges(&self, who: Who, key: &str) -> Answered {
        self.as_whom(who, "POST /cart/merge", key, json!({})).await
    }

    async fn in_cart(&self, who: Who) -> Vec<(String, u64)> {
        let cart = self.as_whom(who, "GET /cart", "-", Value::Null).await;
        assert_eq!(cart.status, 200, "{cart:?}");
        let lines = cart.body["lines"].as_array().cloned().expect("lines");
        let line =
            |line: &Value| (line["sku"].as_str().expect("a sku").into(), line["quantity"].as_u64().expect("pieces"));
        lines.iter().map(line).collect()
    }
}

fn of(lines: &[(&str, u64)]) -> Vec<(String, u64)> {
    lines.iter().map(|(sku, quantity)| ((*sku).to_owned(), *quantity)).collect()
}

#[tokio::test]
async fn a_visitor_has_a_cart_of_his_own_and_nothing_else() {
    let fixture = Fixture::open().await;
    fixture.puts(Visitor(GUEST), "k", "TV", 2).await;
    fixture.puts(Visitor("vis_2"), "k", "MASK", 1).await;
    assert_eq!(fixture.in_cart(Visitor(GUEST)).await, of(&[("TV", 2)]), "his key is his own, too");
    assert_eq!(fixture.in_cart(Visitor("vis_2")).await, of(&[("MASK", 1)]));
    assert_eq!(fixture.in_cart(Customer("ann")).await, of(&[]));
    for how in ["POST /cart/merge", "POST /cart/checkout", "GET /orders", "POST /orders", "GET /orders/ord_1"] {
        assert_eq!(fixture.as_whom(Visitor(GUEST), how, "x", json!({})).await.status, 401, "{how}");
    }
    let line = fixture.as_whom(Visitor(GUEST), "GET /cart/items/TV", "-", Value::Null).await;
    assert_eq!((line.status, &line.body["quantity"]), (200, &json!(2)));
    assert_eq!(fixture.as_whom(Visitor(GUEST), "GET /cart/history", "-", Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_login_merges_it_once_also_from_two_tabs_at_a_time() {
    let fixture = Fixture::open().await;
    fixture.puts(Visitor(GUEST), "k1", "TV", 2).await;
    fixture.puts(Customer("ann"), "k2", "TV", 1).await;
    let both = Both("ann", GUEST);
    let (one, two) = tokio::join!(fixture.merges(both, "tab 1"), fixture.merges(both, "tab 2"));
    assert_eq!((one.status, two.status), (200, 200), "{one:?} {two:?}");
    assert_eq!(fixture.in_cart(both).await, of(&[("TV", 3)]));
    assert_eq!(fixture.in_cart(Visitor(GUEST)).await, of(&[]), "the guest's is closed");
    let replayed = fixture.merges(both, "tab 1").await;
    assert_eq!((replayed.status, &replayed.body), (200, &one.body));
    fixture.puts(Visitor(GUEST), "k3", "MASK", 1).await;
    assert_eq!(fixture.merges(Both("ben", GUEST), "k4").await.status, 200);
    assert_eq!(fixture.in_cart(Customer("ben")).await, of(&[("MASK", 1)]), "the next one in the same browser");
    assert_eq!(fixture.in_cart(Customer("ann")).await, of(&[("TV", 3)]));
}

#[tokio::test]
async fn without_a_visitor_nothing_is_merged_and_nobody_merges_what_was_never_his() {
    let fixture = Fixture::open().await;
    fixture.puts(Visitor(GUEST), "k1", "TV", 2).await;
    let alone = fixture.merges(Customer("ann"), "k2").await;
    assert_eq!((alone.status, &alone.body["version"]), (200, &json!(0)));
    let says_so = fixture.as_whom(Customer("ann"), "POST /cart/merge", "k3", json!({ "guest": GUEST })).await;
    assert_eq!(says_so.status, 422, "{says_so:?}");
    fixture.puts(Customer("ben"), "k4", "MASK", 1).await;
    let another = fixture.merges(Both("ann", "ben"), "k5").await;
    assert_eq!((another.status, &another.body["type"]), (409, &json!("/errors/not-a-guests")));
    assert_eq!(fixture.in_cart(Customer("ben")).await, of(&[("MASK", 1)]));
    assert_eq!(fixture.in_cart(Visitor(GUEST)).await, of(&[("TV", 2)]));
}

#[tokio::test]
async fn the_cart_that_was_seen_becomes_one_order_and_every_tab_learns_which() {
    let fixture = Fixture::open().await;
    let ann = Customer("ann");
    fixture.puts(ann, "k1", "TV", 2).await;
    let seen = fixture.as_whom(ann, "GET /cart", "-", Value::Null).await.body;
    let wish =
        |version: &Value| json!({ "address": "Seoul", "pay": "card", "cart": seen["cart_id"], "version": version });
    fixture.puts(ann, "k2", "MASK", 1).await;
    let stale = fixture.as_whom(ann, "POST /cart/checkout", "old", wish(&seen["version"])).await;
    assert_eq!((stale.status, &stale.body["type"]), (409, &json!("/errors/cart-changed")));
    let now = &fixture.as_whom(ann, "GET /cart", "-", Value::Null).await.body["version"];
    let buy = || fixture.as_whom(ann, "POST /cart/checkout", "crt 3", wish(now));
    let (click, double) = tokio::join!(buy(), buy());
    assert_eq!((click.status, &click.body), (202, &double.body));
    assert_eq!(buy().await.body, click.body, "after a reload");
    let other = fixture.as_whom(ann, "POST /cart/checkout", "another", wish(now)).await;
    assert_eq!((other.status, &other.body["type"]), (409, &json!("/errors/already-checked-out")));
    let order = click.body["order_id"].as_str().expect("an id");
    assert_eq!(other.body["order_id"], order);
    assert_eq!(other.headers["location"], format!("/orders/{order}"));
    let orders = fixture.as_whom(ann, "GET /orders", "-", Value::Null).await.body;
    assert_eq!(orders["items"].as_array().map(Vec::len), Some(1));
    let half = json!({ "address": "Seoul", "pay": "card", "version": 1 });
    let half = fixture.as_whom(ann, "POST /cart/checkout", "half", half).await;
    assert_eq!((half.status, &half.body["errors"][0]["pointer"]), (422, &json!("/version")));
}
