//! What somebody with a context's key publishes in its name.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::harness::{Mall, http::Http, system::System, wait::until};

use crate::{PATIENCE, nobody_fell};

/// A parcel's departure as it should be told, but for what a test changes.
fn departure(order: &str) -> Value {
    json!({
        "specversion": "1.0", "id": format!("forged {order}"), "source": "delivery",
        "type": "delivery.delivery-departed.v1", "subject": format!("forged/{order}"), "sequence": 1,
        "partitionkey": order, "data": { "order": order, "at_ms": 1_732_104_000_000_i64 },
    })
}

#[test]
fn an_undeclared_fact_is_passed_over() {
    let mall = opened();
    let mut fact = departure("ord_nobody");
    fact["type"] = "delivery.parcel-sang.v1".into();
    publish(&mall, "delivery", &fact);
    flows_past(&mall, "ord_nobody");
    assert_eq!(parked(&mall), Vec::<Value>::new(), "who does not know a fact has nothing to wait for");
}

#[test]
fn a_fact_newer_than_its_reader_parks_its_order_alone() {
    let mall = opened();
    let mut fact = departure("ord_newer");
    fact["type"] = "delivery.delivery-departed.v2".into();
    publish(&mall, "delivery", &fact);
    waits(&mall, "ordering", "ord_newer");
    flows_past(&mall, "ord_newer");
}

#[test]
fn a_broken_fact_parks_its_order_alone() {
    let mall = opened();
    let mut fact = departure("ord_broken");
    fact["data"] = json!({ "order": 7, "at_ms": "yesterday" });
    publish(&mall, "delivery", &fact);
    waits(&mall, "ordering", "ord_broken");
    flows_past(&mall, "ord_broken");
}

#[test]
fn what_follows_a_poison_fact_waits_behind_it_and_the_others_flow() {
    let mall = opened();
    let key = "the poisoned order";
    let order = mall.order_id(key);
    let mut poison = departure(&order);
    poison["data"] = json!({ "order": null });
    publish(&mall, "delivery", &poison);
    let row = waits(&mall, "ordering", &order);
    assert_eq!(row["waiting"], 1, "{row}");
    assert_eq!(mall.buy(key, &[("TV", 1)]), order);
    let live: Vec<String> = (0..3).map(|number| mall.buy(&format!("live {number}"), &[("MASK", 1)])).collect();
    mall.until_delivery(&order, "COMPLETED");
    live.iter().for_each(|order| drop(mall.until_order(order, &["COMPLETED"])));
    // Its own departure and arrival wait behind the poison: never out of order, never lost.
    until("its own facts wait", PATIENCE, || match waits(&mall, "ordering", &order) {
        row if row["waiting"] == 3 => Ok(()),
        row => Err(row.to_string()),
    });
    assert_eq!(mall.order(&order)["state"], "CONFIRMED");
    mall.said_by(&["unpark", "ordering"]);
    waits(&mall, "ordering", &order);
    flows_past(&mall, &order);
}

fn opened() -> Mall {
    let system =
        System::of_the_mall().set("delivery", "depart_after_ms", 100).set("delivery", "complete_after_ms", 100);
    let mall = Mall::start(system);
    mall.until_sold("TV");
    mall.until_sold("MASK");
    mall
}

/// Publishes as the owner of the topic can, in any language.
fn publish(mall: &Mall, topic: &str, fact: &Value) {
    let broker = mall.process("broker").url.expect("the broker listens");
    let url = format!("{broker}/topics/{topic}/events");
    let answer = Http::new().ask_as(&mall.bearer(topic, "broker"), "POST", &url, Some(fact));
    let answer = answer.unwrap_or_else(|why| panic!("no answer: {why}"));
    assert!(answer.status < 300, "{answer:?}");
}

/// `bongsu parked --json`.
fn parked(mall: &Mall) -> Vec<Value> {
    let said = mall.said_by(&["parked", "--json"]);
    serde_json::from_str(&said).unwrap_or_else(|why| panic!("{why}: {said}"))
}

/// Waits until a context has parked the facts of an order, with a reason, and nothing else is parked there.
fn waits(mall: &Mall, context: &str, order: &str) -> Value {
    until(&format!("{context} parks {order}"), Duration::from_secs(30), || {
        let rows: Vec<Value> = parked(mall).into_iter().filter(|row| row["service"] == context).collect();
        match rows.as_slice() {
            [row] if row["key"] == order && row["error"].as_str().is_some_and(|why| !why.is_empty()) => {
                println!("{row}");
                Ok(row.clone())
            }
            other => Err(format!("{other:?}")),
        }
    })
}

/// Orders are placed and delivered as ever, nobody crashed, and no other order is parked.
fn flows_past(mall: &Mall, order: &str) {
    let live: Vec<String> = (0..5).map(|number| mall.buy(&format!("past {number}"), &[("MASK", 1)])).collect();
    live.iter().for_each(|order| drop(mall.until_order(order, &["COMPLETED"])));
    live.iter().for_each(|order| drop(mall.until_shown(order, "delivered")));
    assert!(parked(mall).iter().all(|row| row["key"] == order), "{:?}", parked(mall));
    nobody_fell(mall);
}
