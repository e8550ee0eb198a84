//! The audit is silent while all agree, and names the order when one store tells a falsehood.

use std::time::Duration;

use payment_domain::{events::PaymentRefunded, payment::Payments};
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
    mall.forge::<Payments>("payment", order, &event, payment_service::facts::of_payment);
}

/// Product's store says that the stock of a delivered order was given back.
fn forge_release(mall: &Mall, order: &str) {
    let event = ReservationReleased { lines: vec![Line { sku: "CLOCK".into(), quantity: 1 }] }.into();
    mall.forge::<Reservation>("product", order, &event, product_service::facts::of_reservation);
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
