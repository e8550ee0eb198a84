//! Payments with a provider that works, refuses, is down, or whose answers get lost.

use sandbox::provider::Mode;
use serde_json::{Value, json};

use crate::house::House;

fn totals(house: &House) -> Value {
    house.bank.ledger()["totals"]["KRW"].clone()
}

#[tokio::test]
async fn money_is_taken_once_stock_is_held() {
    let house = House::open();
    house.placed("o1", 30_000).await;
    house.is_at("o1", "WAITING").await;
    assert_eq!(house.bank.ledger()["captures"], json!([]));
    house.reserved("o1").await;
    house.is_at("o1", "CAPTURED").await;
    assert_eq!(totals(&house), json!({ "captured": 20_000, "refunded": 0 }));
}

#[tokio::test]
async fn a_provider_that_refuses_declines_the_payment() {
    let house = House::open();
    house.bank.behaves(Mode::Decline);
    house.placed("o1", 30_000).await;
    house.reserved("o1").await;
    house.is_at("o1", "DECLINED").await;
    assert_eq!(house.payment("o1").await["reason"], "insufficient-funds");
}

#[tokio::test]
async fn what_the_provider_will_never_take_is_declined_and_not_asked_for_ever() {
    let house = House::open();
    house.bank.refuses(422);
    house.placed("o1", 30_000).await;
    house.reserved("o1").await;
    house.is_at("o1", "DECLINED").await;
    assert_eq!(house.payment("o1").await["reason"], "refused-422");
    assert_eq!(house.bank.ledger()["captures"], json!([]));
}

#[tokio::test]
async fn an_answer_that_got_lost_is_asked_for_again_and_nobody_pays_twice() {
    let house = House::open();
    house.bank.loses_answers(3);
    house.placed("o1", 30_000).await;
    house.reserved("o1").await;
    house.is_at("o1", "CAPTURED").await;
    assert_eq!(totals(&house), json!({ "captured": 20_000, "refunded": 0 }));
}

#[tokio::test]
async fn money_goes_back_when_the_order_ends() {
    let house = House::open();
    house.placed("o1", 30_000).await;
    house.reserved("o1").await;
    house.is_at("o1", "CAPTURED").await;
    house.ended("o1").await;
    house.is_at("o1", "REFUNDED").await;
    assert_eq!(totals(&house), json!({ "captured": 20_000, "refunded": 20_000 }));
}

#[tokio::test]
async fn a_capture_that_came_after_the_end_goes_back() {
    let house = House::open();
    house.bank.behaves(Mode::Down);
    house.placed("o1", 30_000).await;
    house.reserved("o1").await;
    house.until(async || house.bank.ledger()["captures"][0]["status"] == "pending").await;
    house.ended("o1").await;
    house.until(async || house.payment("o1").await["order_ended"] == true).await;
    house.bank.behaves(Mode::Ok);
    house.is_at("o1", "REFUNDED").await;
    assert_eq!(totals(&house), json!({ "captured": 20_000, "refunded": 20_000 }));
}

#[tokio::test]
async fn an_order_about_to_expire_is_not_charged() {
    let house = House::open();
    house.placed("o1", 900).await;
    house.reserved("o1").await;
    house.is_at("o1", "FORGONE").await;
    house.ended("o1").await;
    house.until(async || house.payment("o1").await["order_ended"] == true).await;
    assert_eq!(house.bank.ledger()["captures"], json!([]));
}

#[tokio::test]
async fn an_order_that_ended_first_is_never_charged() {
    let house = House::open();
    house.ended("o1").await;
    house.until(async || house.payment("o1").await["order_ended"] == true).await;
    house.placed("o1", 30_000).await;
    house.reserved("o1").await;
    house.until(async || !house.payment("o1").await["amount"].is_null()).await;
    house.placed("o2", 30_000).await;
    house.reserved("o2").await;
    house.is_at("o2", "CAPTURED").await;
    assert_eq!(house.payment("o1").await["state"], "WAITING");
    assert_eq!(totals(&house), json!({ "captured": 20_000, "refunded": 0 }));
}
