//! Payments with a provider that works, refuses, is down, or whose answers get lost.

use std::sync::Arc;

use bongsu_testing::{Answered, Bench};
use payment::{Settings, api, service};
use sandbox::{
    bank::{ADDRESS, Bank},
    provider::Mode,
};
use serde_json::{Value, json};

/// A running payment service and its bank.
struct Fixture {
    bench: Bench,
    bank: Arc<Bank>,
}

impl Fixture {
    fn open() -> Self {
        let mut bank = None;
        let settings = Settings { provider: ADDRESS.into(), ..Settings::default() };
        let bench = Bench::facing(service(&settings), api::routes, |env| bank.insert(Bank::new(env.clone())).clone());
        Self { bench, bank: bank.expect("it faces a bank") }
    }

    /// An order for 20 000 won that expires in so many milliseconds.
    async fn placed(&self, order: &str, expires_in_ms: i64) {
        let (amount, end) = (json!({ "minor": 20_000, "currency": "KRW" }), self.bench.env.wall_ms() + expires_in_ms);
        let body = json!({ "order": order, "customer": "ann", "amount": amount, "expires_at_ms": end });
        self.bench.say("ordering.order-placed.v1", order, body).await;
    }

    async fn reserved(&self, order: &str) {
        self.bench.say("product.stock-reserved.v1", order, json!({ "order": order })).await;
    }

    /// Everything is there for it to be paid.
    async fn ready(&self, order: &str) {
        self.placed(order, 30_000).await;
        self.reserved(order).await;
    }

    async fn ended(&self, order: &str) {
        self.bench.say("ordering.order-rejected.v1", order, json!({ "order": order })).await;
    }

    async fn ask(&self, who: &str, order: &str) -> Answered {
        self.bench.ask(who, &format!("GET /payments?order={order}"), None, Value::Null).await
    }

    async fn payment(&self, order: &str) -> Value {
        self.ask("kim:operator", order).await.body["items"][0].clone()
    }

    /// Waits until a payment has reached a state.
    async fn is_at(&self, order: &str, state: &str) {
        self.bench.until(async || self.payment(order).await["state"] == state).await;
    }
}

fn totals(fixture: &Fixture) -> Value {
    fixture.bank.ledger()["totals"]["KRW"].clone()
}

#[tokio::test]
async fn money_is_taken_once_stock_is_held() {
    let fixture = Fixture::open();
    fixture.placed("o1", 30_000).await;
    fixture.is_at("o1", "WAITING").await;
    assert_eq!(fixture.bank.ledger()["captures"], json!([]));
    fixture.reserved("o1").await;
    fixture.is_at("o1", "CAPTURED").await;
    assert_eq!(totals(&fixture), json!({ "captured": 20_000, "refunded": 0 }));
}

#[tokio::test]
async fn a_payment_is_its_customers_and_the_operators() {
    let fixture = Fixture::open();
    fixture.ended("o2").await;
    fixture.placed("o1", 30_000).await;
    fixture.is_at("o1", "WAITING").await;
    fixture.bench.until(async || !fixture.payment("o2").await.is_null()).await;
    for (who, order, status) in [("ann", "o1", 200), ("ben", "o1", 404), ("ann", "o2", 404), ("ann", "o3", 404)] {
        assert_eq!(fixture.ask(who, order).await.status, status, "{who} asks for {order}");
    }
}

#[tokio::test]
async fn what_the_provider_refuses_or_will_never_take_is_declined_and_not_asked_for_ever() {
    let fixture = Fixture::open();
    fixture.bank.behaves(Mode::Decline);
    fixture.ready("o1").await;
    fixture.is_at("o1", "DECLINED").await;
    assert_eq!(fixture.payment("o1").await["reason"], "insufficient-funds");
    fixture.bank.behaves(Mode::Ok);
    fixture.bank.refuses(422);
    fixture.ready("o2").await;
    fixture.is_at("o2", "DECLINED").await;
    assert_eq!(fixture.payment("o2").await["reason"], "refused-422");
    assert!(fixture.bank.ledger()["captures"].as_array().is_some_and(|all| all.iter().all(|it| it["order"] == "o1")));
}

#[tokio::test]
async fn an_answer_that_got_lost_is_asked_for_again_and_nobody_pays_twice() {
    let fixture = Fixture::open();
    fixture.bank.loses_answers(3);
    fixture.ready("o1").await;
    fixture.is_at("o1", "CAPTURED").await;
    assert_eq!(totals(&fixture), json!({ "captured": 20_000, "refunded": 0 }));
}

#[tokio::test]
async fn money_goes_back_when_the_order_ends() {
    let fixture = Fixture::open();
    fixture.ready("o1").await;
    fixture.is_at("o1", "CAPTURED").await;
    fixture.ended("o1").await;
    fixture.is_at("o1", "REFUNDED").await;
    assert_eq!(totals(&fixture), json!({ "captured": 20_000, "refunded": 20_000 }));
}

#[tokio::test]
async fn a_capture_that_came_after_the_end_goes_back() {
    let fixture = Fixture::open();
    fixture.bank.behaves(Mode::Down);
    fixture.ready("o1").await;
    fixture.bench.until(async || fixture.bank.ledger()["captures"][0]["status"] == "pending").await;
    fixture.ended("o1").await;
    fixture.bench.until(async || fixture.payment("o1").await["order_ended"] == true).await;
    fixture.bank.behaves(Mode::Ok);
    fixture.is_at("o1", "REFUNDED").await;
    assert_eq!(totals(&fixture), json!({ "captured": 20_000, "refunded": 20_000 }));
}

#[tokio::test]
async fn an_order_about_to_expire_is_not_charged() {
    let fixture = Fixture::open();
    fixture.placed("o1", 900).await;
    fixture.reserved("o1").await;
    fixture.is_at("o1", "FORGONE").await;
    fixture.ended("o1").await;
    fixture.bench.until(async || fixture.payment("o1").await["order_ended"] == true).await;
    assert_eq!(fixture.bank.ledger()["captures"], json!([]));
}

#[tokio::test]
async fn an_order_that_ended_first_is_never_charged() {
    let fixture = Fixture::open();
    fixture.ended("o1").await;
    fixture.bench.until(async || fixture.payment("o1").await["order_ended"] == true).await;
    fixture.ready("o1").await;
    fixture.bench.until(async || !fixture.payment("o1").await["amount"].is_null()).await;
    fixture.ready("o2").await;
    fixture.is_at("o2", "CAPTURED").await;
    assert_eq!(fixture.payment("o1").await["state"], "WAITING");
    assert_eq!(totals(&fixture), json!({ "captured": 20_000, "refunded": 0 }));
}
