//! An order, put together over memory adapters from those who know a part of it.

use std::sync::Arc;

use bff_web::{Settings, api, service};
use bongsu_testing::Bench;
use serde_json::{Value, json};

use crate::street::{Act, Street};

/// Everybody who knows a part.
const SOURCES: [&str; 4] = ["ordering", "payment", "delivery", "mypage"];
/// So long a part is waited for.
const PART_MS: u64 = 100;

struct Fixture {
    bench: Bench,
    street: Arc<Street>,
}

/// An order to look at, for the HTTP conventions.
pub(crate) async fn there(_: &Bench) -> Vec<(&'static str, String)> {
    vec![("/bff/web/orders/{id}", "/bff/web/orders/ord_1".into())]
}

impl Fixture {
    fn open() -> Self {
        let street = Arc::new(Street::default());
        let outside = street.clone();
        let settings = Settings { part_ms: PART_MS, ..Settings::default() };
        Self { bench: Bench::facing(service(&settings), api::routes, |_| outside), street }
    }

    async fn get(&self, who: &str, id: &str) -> (u16, Value) {
        let answer = self.bench.ask(who, &format!("GET /bff/web/orders/{id}"), None, Value::Null).await;
        (answer.status, answer.body)
    }

    /// The state of each part of Ann's order.
    async fn states(&self) -> [String; 4] {
        let (status, order) = self.get("ann", "ord_1").await;
        assert_eq!(status, 200, "{order}");
        SOURCES.map(|source| order[source]["state"].as_str().expect("a state").to_owned())
    }
}

#[tokio::test]
async fn everybody_is_asked_at_once_on_behalf_of_whoever_asks() {
    let fixture = Fixture::open();
    let (status, order) = fixture.get("ann", "ord_1").await;
    assert_eq!((status, &order["order_id"]), (200, &json!("ord_1")));
    for source in SOURCES {
        assert_eq!((&order[source]["state"], &order[source]["data"]["by"]), (&json!("ok"), &json!(source)));
    }
    let asked = [
        "GET http://delivery/deliveries?order=ord_1 ann",
        "GET http://mypage/mypage/orders/ord_1 ann",
        "GET http://ordering/orders/ord_1 ann",
        "GET http://payment/payments?order=ord_1 ann",
    ];
    assert_eq!(fixture.street.asked(), asked);
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let fixture = Fixture::open();
    assert_eq!(fixture.get("bob", "ord_1").await.0, 404);
    assert_eq!(fixture.get("ann", "ord_2").await.0, 404);
    let before = fixture.street.asked().len();
    for garbage in ["%2e%2e", "a%2Fb", "a%3Fb=c", "a%20b", "%ED%95%9C", "a%23", &"o".repeat(101)] {
        assert_eq!(fixture.get("ann", garbage).await.0, 404, "{garbage}");
    }
    assert_eq!(fixture.street.asked().len(), before, "for what is no id nobody is asked");
}

#[tokio::test]
async fn a_part_that_does_not_come_says_so_and_the_rest_stands() {
    let fixture = Fixture::open();
    let none = |body: &str| Act::Say(200, body.to_owned());
    fixture.street.act("payment", Act::Break);
    fixture.street.act("delivery", none(r#"{"items": [], "next": null}"#));
    assert_eq!(fixture.states().await, ["ok", "failed", "absent", "ok"]);
    fixture.street.act("payment", none("garbage"));
    fixture.street.act("delivery", Act::Say(500, "{}".into()));
    fixture.street.act("mypage", Act::Say(403, "{}".into()));
    assert_eq!(fixture.states().await, ["ok", "failed", "failed", "failed"]);
}

#[tokio::test]
async fn a_part_that_hangs_is_late_and_is_soon_not_waited_for() {
    let fixture = Fixture::open();
    fixture.street.act("delivery", Act::Hang);
    let began = fixture.bench.env.mono();
    let mut late = 0;
    while fixture.states().await[2] == "late" {
        late += 1;
    }
    assert!((1..=5).contains(&late), "{late} times");
    let took = (fixture.bench.env.mono() - began).as_millis() as u64;
    assert!(took < (late + 1) * PART_MS * 3, "{took} ms for {late}");
    let began = fixture.bench.env.mono();
    assert_eq!(fixture.states().await, ["ok", "ok", "open", "ok"]);
    let took = (fixture.bench.env.mono() - began).as_millis() as u64;
    assert!(took < PART_MS, "nobody waits: {took} ms");
}

#[tokio::test]
async fn without_ordering_whoever_else_may_see_it_sees_it_and_without_all_nobody_knows() {
    let fixture = Fixture::open();
    fixture.street.act("ordering", Act::Break);
    assert_eq!(fixture.states().await, ["failed", "ok", "ok", "ok"]);
    let (status, problem) = fixture.get("bob", "ord_1").await;
    assert_eq!((status, &problem["type"]), (503, &json!("/errors/unavailable")), "whether there is one is not known");
    SOURCES.iter().for_each(|source| fixture.street.act(source, Act::Break));
    assert_eq!(fixture.get("ann", "ord_1").await.0, 503);
}
