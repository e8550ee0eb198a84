//! The audit is silent while all agree, names the order when one store tells a falsehood, and takes back what is
//! right again.

use std::time::Duration;

use payment::payment::{PaymentRefunded, Payments};
use product_domain::{
    events::{Line, ReservationReleased},
    reservation::Reservation,
};
use serde_json::Value;
use system_tests::{
    harness::{
        Mall,
        audit::PROMPTLY,
        system::System,
        wait::{now, until},
    },
    rules,
};

use crate::shared::alone;

#[test]
fn what_a_stopped_context_has_not_given_back_is_a_finding_until_it_has() {
    let mall = alone();
    mall.put_on_sale("CANOE", 700_000, 1);
    let order = mall.buy("a canoe", &[("CANOE", 1)]);
    mall.until_delivery(&order, "PREPARED");
    mall.stop("product");
    let _ = mall.cancel(&order).expect(202);
    mall.until_order(&order, &["CANCELLED"]);
    until_found(&mall, &order, &["stock-kept"]);
    mall.start_again("product");
    until_found(&mall, &order, &[]);
    mall.until_available("CANOE", 1);
}

#[test]
fn an_audit_that_was_stopped_hears_what_it_missed() {
    let mall = alone();
    mall.put_on_sale("SLED", 90_000, 2);
    mall.stop("audit");
    assert_eq!(mall.get("/audit/summary").status, 503, "nobody answers for it");
    let orders = ["one sled", "another sled"].map(|key| mall.buy(key, &[("SLED", 1)]));
    orders.iter().for_each(|order| mall.deliver(order));
    mall.start_again("audit");
    orders.iter().for_each(|order| until_found(&mall, order, &[]));
}

/// Waits until the audit knows an order and finds it to break exactly these rules.
fn until_found(mall: &Mall, order: &str, rules: &[&str]) {
    until(&format!("the audit finds {rules:?} of {order}"), Duration::from_secs(20), || {
        let answer = mall.get(&format!("/audit/orders/{order}"));
        let found = answer.status == 200 && rules_of(&answer.json()) == rules;
        if found { Ok(()) } else { Err(format!("{answer:?}")) }
    });
}

#[test]
fn the_audit_agrees_after_every_ending_and_names_the_order_whose_store_lies() {
    let system =
        System::of_the_mall().set("delivery", "depart_after_ms", 100).set("delivery", "complete_after_ms", 100);
    let mall = Mall::start(system);
    mall.until_sold("TV");
    mall.until_sold("CLOCK");
    let [refunded, released] = every_ending(&mall);
    let evidence = mall.quiesce(Duration::from_secs(30), rules::ALL);
    println!("the audit agrees about {} orders", mall.until_audited(&evidence));

    forge_refund(&mall, &refunded);
    names(&mall, "payment's store lies while payment runs", &[(&refunded, &["refunded-early"])]);

    mall.stop("product");
    forge_release(&mall, &released);
    mall.start_again("product");
    let lies = [
        (&*refunded, ["refunded-early"].as_slice()),
        (&released, &["stock-given-back-early", "stock-in-contradiction"]),
    ];
    names(&mall, "product's store was changed while product was stopped", &lies);
}

/// Orders that are delivered, out of stock, declined and cancelled; those that were delivered.
fn every_ending(mall: &Mall) -> [String; 2] {
    let delivered = ["one clock", "another clock"].map(|key| mall.buy(key, &[("CLOCK", 1)]));
    delivered.iter().for_each(|order| drop(mall.until_order(order, &["COMPLETED"])));
    let short = mall.buy("too many tvs", &[("TV", 1_000)]);
    mall.until_order(&short, &["REJECTED"]);
    mall.provider("decline", 0);
    let declined = mall.buy("a tv on a bad card", &[("TV", 1)]);
    mall.until_order(&declined, &["REJECTED"]);
    mall.provider("slow", 1_000);
    let cancelled = mall.buy("a tv, on second thoughts", &[("TV", 1)]);
    let _ = mall.cancel(&cancelled).expect(202);
    mall.until_order(&cancelled, &["CANCELLED"]);
    mall.provider("ok", 0);
    delivered
}

/// Payment's store says that the money of a delivered order went back.
fn forge_refund(mall: &Mall, order: &str) {
    let (amount, refund) = (money::Money::krw(50_000), "none".into());
    let event = PaymentRefunded { order: order.into(), amount, refund, at_ms: 0 }.into();
    mall.forge::<Payments>("payment", order, &event, payment::told);
}

/// Product's store says that the stock of a delivered order was given back.
fn forge_release(mall: &Mall, order: &str) {
    let event = ReservationReleased { lines: vec![Line { sku: "CLOCK".into(), quantity: 1 }] }.into();
    mall.forge::<Reservation>("product", order, &event, product::facts::of_reservation);
}

/// Waits until the audit names exactly these orders, with these rules.
fn names(mall: &Mall, what: &str, expected: &[(&str, &[&str])]) {
    let began = now();
    until("the audit names the order", PROMPTLY, || {
        let found = mall.disagreements();
        let named: Vec<(&str, Vec<&str>)> =
            found.iter().map(|item| (text(&item["order_id"]), rules_of(item))).collect();
        let right = named.len() == expected.len()
            && named.iter().zip(expected).all(|((order, rules), wanted)| order == &wanted.0 && rules == wanted.1);
        if right { Ok(()) } else { Err(format!("{found:?}")) }
    });
    println!("{what}: named {:.2?} later", began.elapsed());
    for (order, rules) in expected {
        let one = mall.get(&format!("/audit/orders/{order}")).expect(200).json();
        println!("   {one}");
        assert_eq!(rules_of(&one), *rules);
        assert!(!one["since"].is_null(), "{one}");
    }
}

fn rules_of(item: &Value) -> Vec<&str> {
    item["findings"].as_array().into_iter().flatten().map(|finding| text(&finding["rule"])).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
