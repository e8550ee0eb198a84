//! An order put together by who asks all the others: what is missing costs its own part, and whose it is holds.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use system_tests::harness::{
    Mall,
    http::{Http, Response},
    keys::now_ms,
    people::{CUSTOMER, OPERATOR, OTHER, RIDER},
    supervisor::signal,
    wait::{now, until},
};

use crate::shared::{alone, together};

const PATIENCE: Duration = Duration::from_secs(30);
/// What each part is waited for, as its settings have it by default, with what a busy machine may add.
const DEADLINE: Duration = Duration::from_millis(1_000 + 1_500);
/// Everybody who knows a part.
const SOURCES: [&str; 4] = ["ordering", "payment", "delivery", "mypage"];

/// Where an order is put together.
fn page(order: &str) -> String {
    format!("/bff/web/orders/{order}")
}

/// The state of each part.
fn states(composed: &Value) -> [&str; 4] {
    SOURCES.map(|source| composed[source]["state"].as_str().unwrap_or("none"))
}

fn compose(mall: &Mall, order: &str) -> Value {
    mall.get(&page(order)).expect(200).json()
}

/// Until the parts are in these states.
fn until_states(mall: &Mall, order: &str, expected: [&str; 4]) {
    until(&format!("{expected:?}"), PATIENCE, || {
        let answer = mall.get(&page(order));
        let composed = if answer.status == 200 { answer.json() } else { Value::Null };
        if states(&composed) == expected { Ok(()) } else { Err(format!("{answer:?}")) }
    });
}

#[test]
fn an_order_is_put_together_for_its_customer_and_for_nobody_else() {
    let mall = together();
    mall.put_on_sale("HAMMOCK", 12_000, 2);
    let order = mall.buy("a hammock to look at", &[("HAMMOCK", 1)]);
    mall.deliver(&order);
    until_states(&mall, &order, ["ok"; 4]);
    until("all agree", PATIENCE, || {
        let composed = compose(&mall, &order);
        let said = [
            &composed["ordering"]["data"]["state"],
            &composed["payment"]["data"]["state"],
            &composed["delivery"]["data"]["state"],
            &composed["mypage"]["data"]["status"]["code"],
        ];
        if said == ["COMPLETED", "CAPTURED", "COMPLETED", "delivered"] { Ok(()) } else { Err(composed.to_string()) }
    });
    for who in [OTHER, RIDER, OPERATOR] {
        let answer = mall.ask_as(&mall.token(who), "GET", &page(&order), None, None).expect("an answer");
        assert_eq!(answer.status, 404, "{who}: {answer:?}");
    }
    assert_eq!(mall.get(&page("ord_none")).status, 404);
    let nobody = Http::new().request("GET", &format!("{}{}", mall.gateway(), page(&order)), &[], Vec::new());
    assert_eq!(nobody.expect("an answer").status, 401);
}

/// What a process answers to whom the gateway names to `service`.
fn asked_at(mall: &Mall, process: &str, path: &str, service: &str) -> Response {
    let said = mall.said_to(service, &mall.person(CUSTOMER), now_ms());
    let url = format!("{}{path}", mall.process(process).url.expect("it runs"));
    Http::new().request("GET", &url, &[("x-bongsu-principal", &said)], Vec::new()).expect("an answer")
}

#[test]
fn what_is_said_to_one_service_counts_only_there_and_at_those_it_declares_to_ask() {
    let mall = together();
    mall.put_on_sale("TEAPOT", 12_000, 2);
    let order = mall.buy("a teapot to look at", &[("TEAPOT", 1)]);
    mall.until_order(&order, &["CONFIRMED"]);
    assert_eq!(asked_at(&mall, "ordering", &format!("/orders/{order}"), "ordering").status, 200);
    // What was said to bff-web alone is not for those it asks: they do not believe it, and it has nothing to show.
    assert_eq!(asked_at(&mall, "ordering", &format!("/orders/{order}"), "bff-web").status, 401);
    assert_eq!(asked_at(&mall, "bff-web", &page(&order), "bff-web").status, 503);
    // And what was said to ordering, which asks nobody, is not for bff-web.
    assert_eq!(asked_at(&mall, "bff-web", &page(&order), "ordering").status, 401);
}

#[test]
fn whoever_is_dead_or_hangs_costs_a_part_and_no_more() {
    let mall = alone();
    mall.put_on_sale("HARMONICA", 30_000, 5);
    let order = mall.buy("a harmonica", &[("HARMONICA", 1)]);
    mall.until_delivery(&order, "PREPARED");
    until_states(&mall, &order, ["ok"; 4]);
    mall.stop("delivery");
    let composed = compose(&mall, &order);
    assert_eq!(states(&composed), ["ok", "ok", "failed", "ok"], "{composed}");
    assert_eq!(composed["delivery"]["data"], Value::Null);
    mall.start_again("delivery");
    until_states(&mall, &order, ["ok"; 4]);
    mall.stop("ordering");
    let composed = compose(&mall, &order);
    assert_eq!(states(&composed), ["failed", "ok", "ok", "ok"], "{composed}");
    mall.start_again("ordering");
    until_states(&mall, &order, ["ok"; 4]);
    one_that_stands_still(&mall, &order);
}

/// A process that was stopped takes connections and answers nobody.
fn one_that_stands_still(mall: &Mall, order: &str) {
    let payment = mall.process("payment").pid.expect("it runs");
    signal(payment, Signal::SIGSTOP);
    let mut seen = Vec::new();
    let began = now();
    while began.elapsed() < Duration::from_secs(4) && !seen.contains(&"open".to_owned()) {
        let asked = now();
        let composed = compose(mall, order);
        assert!(asked.elapsed() < DEADLINE, "{:?}: {composed}", asked.elapsed());
        let [ordering, payment, delivery, mypage] = states(&composed);
        assert_eq!([ordering, delivery, mypage], ["ok"; 3], "{composed}");
        seen.push(payment.to_owned());
    }
    signal(payment, Signal::SIGCONT);
    assert!(seen.contains(&"late".to_owned()), "{seen:?}");
    until_states(mall, order, ["ok"; 4]);
}
