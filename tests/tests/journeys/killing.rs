//! kill -9 of what holds everything together.

use system_tests::harness::{Mall, supervisor::is_alive, system::System};

use crate::shared::alone;

#[test]
fn a_killed_supervisor_leaves_no_orphan_and_the_next_one_goes_on() {
    let mall = Mall::start(System::of_the_mall().set("delivery", "depart_after_ms", 100).set(
        "delivery",
        "complete_after_ms",
        100,
    ));
    mall.until_sold("TV");
    let done = mall.buy("a tv before", &[("TV", 1)]);
    mall.until_order(&done, &["COMPLETED"]);
    let underway = mall.buy("a tv meanwhile", &[("TV", 1)]);
    let mall = Mall::start(mall.crash());
    assert_eq!(mall.order(&done)["state"], "COMPLETED");
    mall.until_order(&underway, &["COMPLETED"]);
    mall.until_available("TV", 8);
}

#[test]
fn an_order_completes_although_the_broker_is_killed_in_its_midst() {
    let mall = alone();
    mall.put_on_sale("HARP", 250_000, 6);
    let before = mall.process("broker");
    let mut orders = Vec::new();
    for number in 0..3 {
        orders.push(mall.buy(&format!("harp {number}"), &[("HARP", 1)]));
        let pid = mall.kill("broker");
        // Accepting an order needs nobody else.
        orders.push(mall.buy(&format!("harp {number}, without a broker"), &[("HARP", 1)]));
        assert!(!is_alive(pid), "it was killed");
    }
    orders.iter().for_each(|order| mall.deliver(order));
    let after = mall.process("broker");
    assert_eq!((after.restarts - before.restarts, &after.url), (3, &before.url));
    for order in &orders {
        mall.until_told_once("ordering", order, &["order-placed", "order-confirmed", "order-completed"]);
    }
}
