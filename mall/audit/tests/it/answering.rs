//! What a running audit answers.

use audit::{Settings, api, service};
use bongsu_testing::Bench;
use serde_json::{Value, json};

/// A running audit that hears stand-ins.
struct Fixture(Bench);

/// An order for 20 000 won that never expires.
async fn placed(bench: &Bench, order: &str) {
    let lines = json!([{ "sku": "TV", "quantity": 1 }]);
    let never = 9_000_000_000_000_i64;
    let body = json!({ "order": order, "lines": lines, "amount": amount(), "expires_at_ms": never });
    bench.say("ordering.order-placed.v1", order, body).await;
}

/// An order to look at, for the HTTP conventions.
pub(crate) async fn there(bench: &Bench) -> Vec<(&'static str, String)> {
    placed(bench, "o1").await;
    bench
        .until(async || bench.ask("kim:operator", "GET /audit/orders/o1", None, Value::Null).await.status == 200)
        .await;
    vec![("/audit/orders/{id}", "/audit/orders/o1".into())]
}

impl Fixture {
    fn open() -> Self {
        let settings = Settings { grace_ms: 50, ..Settings::default() };
        Self(Bench::open(service(&settings), api::routes))
    }

    async fn placed(&self, order: &str) {
        placed(&self.0, order).await;
    }

    async fn rejected(&self, order: &str) {
        self.0.say("ordering.order-rejected.v1", order, json!({ "order": order })).await;
    }

    /// Money moved: `captured` or `refunded`.
    async fn money(&self, moved: &str, order: &str) {
        let body = json!({ "order": order, "amount": amount() });
        self.0.say(&format!("payment.payment-{moved}.v1"), order, body).await;
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.0.ask("kim:operator", &format!("GET {path}"), None, Value::Null).await;
        (answer.status, answer.body)
    }

    async fn until_summary(&self, orders: u64, disagreeing: u64) {
        let expected = json!({ "orders": orders, "disagreeing": disagreeing });
        self.0.until(async || self.get("/audit/summary").await.1 == expected).await;
    }
}

fn amount() -> Value {
    json!({ "minor": 20_000, "currency": "KRW" })
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().into_iter().flatten().filter_map(|item| item["order_id"].as_str()).collect()
}

#[tokio::test]
async fn an_order_nobody_spoke_of_is_not_known_and_one_in_which_all_agree_has_no_findings() {
    let fixture = Fixture::open();
    assert_eq!(fixture.get("/audit/summary").await, (200, json!({ "orders": 0, "disagreeing": 0 })));
    assert_eq!(fixture.get("/audit/orders/o1").await.0, 404);
    fixture.placed("o1").await;
    fixture.until_summary(1, 0).await;
    let known = json!({ "order_id": "o1", "since": null, "findings": [] });
    assert_eq!(fixture.get("/audit/orders/o1").await, (200, known));
    assert_eq!(fixture.get("/audit/orders").await, (200, json!({ "items": [], "next": null })));
}

#[tokio::test]
async fn an_order_whose_money_is_kept_is_listed_until_it_goes_back() {
    let fixture = Fixture::open();
    fixture.placed("o1").await;
    fixture.placed("o2").await;
    fixture.money("captured", "o1").await;
    fixture.rejected("o1").await;
    fixture.until_summary(2, 1).await;
    fixture.0.until(async || !ids(&fixture.get("/audit/orders").await.1).is_empty()).await;
    let (_, page) = fixture.get("/audit/orders").await;
    let item = &page["items"][0];
    assert_eq!((&item["order_id"], &item["findings"][0]["rule"]), (&json!("o1"), &json!("money-kept")));
    assert_eq!(item["findings"][0]["contexts"], json!(["ordering", "payment"]));
    assert!(item["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{item}");
    assert_eq!(&fixture.get("/audit/orders/o1").await.1, item);
    fixture.money("refunded", "o1").await;
    fixture.until_summary(2, 0).await;
    assert_eq!(fixture.get("/audit/orders/o1").await.1["findings"], json!([]));
}

#[tokio::test]
async fn the_list_comes_in_pages_the_longest_disagreement_first() {
    let fixture = Fixture::open();
    for (number, order) in ["o3", "o1", "o2"].into_iter().enumerate() {
        fixture.money("refunded", order).await;
        fixture.until_summary(number as u64 + 1, number as u64 + 1).await;
    }
    let (_, first) = fixture.get("/audit/orders?limit=2").await;
    assert_eq!(ids(&first), ["o3", "o1"]);
    let next = first["next"].as_str().expect("there is more");
    let (_, rest) = fixture.get(&format!("/audit/orders?limit=2&cursor={next}")).await;
    assert_eq!((ids(&rest), &rest["next"]), (vec!["o2"], &Value::Null));
    assert_eq!(fixture.get("/audit/orders?limit=0").await.0, 400);
}

#[tokio::test]
async fn the_summary_counts_no_more_disagreements_than_one_page_holds() {
    let fixture = Fixture::open();
    for order in 0..1_001 {
        fixture.money("refunded", &format!("o{order}")).await;
    }
    fixture.until_summary(1_001, 1_000).await;
    let (_, page) = fixture.get("/audit/orders?limit=200").await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(200), "all of them are listed");
}
