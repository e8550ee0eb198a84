//! The counter and the buzzer.

use tempfile::tempdir;

use crate::shop::{ONE_AT_A_TIME, Shop, facts, until};

#[test]
fn orders_are_accepted_at_once_while_the_barista_is_busy() {
    let folder = tempdir().unwrap();
    // One cup takes longer than the whole test: whoever waited for the barista would never be answered.
    let shop = Shop::open(folder.path(), &[&ONE_AT_A_TIME[..], &["--set", "service.brew_ms=600000"]].concat());
    let cups = shop.orders(20);
    assert!(cups.iter().all(|cup| !shop.is_ready(cup)));
    assert!(facts(shop.broker.as_ref().unwrap()).is_empty(), "no buzzer before a coffee is ready");
}

#[test]
fn the_buzzer_is_a_fact_that_anybody_can_read() {
    let folder = tempdir().unwrap();
    let shop = Shop::open(folder.path(), &["--set", "service.brew_ms=20"]);
    let cup = &shop.orders(1)[0];
    until("the coffee is ready", || shop.is_ready(cup));
    until("the buzzer rings", || !shop.buzzers().is_empty());
    let facts = facts(shop.broker.as_ref().unwrap());
    assert_eq!(facts.len(), 1, "what is private stays private: {facts:?}");
    let fact = &facts[0];
    assert_eq!((&fact["source"], &fact["specversion"]), (&"coffee".into(), &"1.0".into()));
    assert_eq!(fact["data"], serde_json::json!({ "cup": cup, "drink": "espresso" }));
}

#[test]
fn the_same_request_twice_is_one_cup() {
    let folder = tempdir().unwrap();
    let shop = Shop::open(folder.path(), &["--set", "service.brew_ms=20"]);
    let (first, again) = (shop.order("latte", "1"), shop.order("latte", "1"));
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.body["cup"], again.body["cup"]);
    assert!(again.head.contains("idempotency-replayed: true"), "{}", again.head);
    let other = shop.order("espresso", "1");
    assert_eq!((other.status, &other.body["type"]), (422, &"/errors/idempotency-key-reused".into()));
}

#[test]
fn what_is_not_on_the_menu_is_refused_by_the_rule() {
    let folder = tempdir().unwrap();
    let shop = Shop::open(folder.path(), &[]);
    let got = shop.order("lemonade", "1");
    assert_eq!((got.status, &got.body["type"]), (422, &"/errors/not-on-the-menu".into()));
}
