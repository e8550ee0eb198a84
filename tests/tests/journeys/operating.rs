//! What an operator sees.

use std::{
    fs::{self, File},
    process::{Child, Stdio},
    time::Duration,
};

use system_tests::harness::wait::until;

use crate::shared::together;

/// A program that is ended with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_facts_of_an_order_are_followed_each_under_its_cause() {
    let mall = together();
    mall.put_on_sale("DRUM", 80_000, 1);
    let order = mall.order_id("a drum");
    let file = mall.system().folder().join("followed");
    let out = File::create(&file).expect("a file can be made");
    let follow = mall.command(&["events", "--follow", "--order", &order]).stdout(out).stdin(Stdio::null()).spawn();
    let _follow = Running(follow.expect("bongsu can be started"));
    assert_eq!(mall.buy("a drum", &[("DRUM", 1)]), order);
    let wanted = [
        ("ordering.order-placed.v1", 0),
        ("product.stock-reserved.v1", 1),
        ("payment.payment-captured.v1", 2),
        ("ordering.order-confirmed.v1", 3),
        ("delivery.delivery-prepared.v1", 4),
    ];
    let lines = until("five facts were followed", Duration::from_secs(20), || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        // The audit watches beside the order's life, at a time of its own.
        let lines: Vec<String> = text.lines().filter(|line| !line.contains(" audit.")).map(str::to_owned).collect();
        if lines.len() < wanted.len() { Err(text) } else { Ok(lines) }
    });
    for (line, (fact, depth)) in lines.iter().zip(wanted) {
        let (indent, _) = line.split_once(fact).unwrap_or_else(|| panic!("{fact} is not in its place: {lines:#?}"));
        // `12:30:00.125 `, then three columns per step.
        assert_eq!(indent.chars().count(), 13 + 3 * depth, "{lines:#?}");
        assert_eq!(indent.contains("└─"), depth > 0, "{lines:#?}");
    }
    mall.deliver(&order);
    until("the end was followed", Duration::from_secs(20), || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        if text.contains("ordering.order-completed.v1") { Ok(()) } else { Err(text) }
    });
}

#[test]
fn a_second_up_on_the_same_data_is_refused_in_one_line() {
    let mall = together();
    let second = mall.bongsu(&["up"]);
    let (said, complaint) = (String::from_utf8_lossy(&second.stdout), String::from_utf8_lossy(&second.stderr));
    assert!(!second.status.success(), "{said}");
    assert!(complaint.contains("a system is already running on"), "{complaint}");
    assert_eq!(complaint.trim().lines().count(), 1, "{complaint}");
    assert!(mall.ps().iter().all(|process| process.state == "ready"), "and changes nothing: {:?}", mall.ps());
}
