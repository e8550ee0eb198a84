//! Whatever happened in the mall, the rules hold: the same ones that judge the simulator's runs.

use std::time::Duration;

use system_tests::{evidence::Heard, rules};

use crate::shared::alone;

#[test]
fn whatever_was_bought_and_broken_the_rules_hold() {
    let mall = alone();
    // Also when this test runs alone, every rule has something to look at.
    mall.put_on_sale("PROOF", 3_000, 1);
    mall.buy("a proof", &[("PROOF", 1)]);
    mall.buy("no proof", &[("PROOF", 9)]);
    for asked in mall.asked() {
        if asked.heard == Heard::Accepted {
            let order = mall.until_order(&asked.order, &["CONFIRMED", "REJECTED", "CANCELLED", "COMPLETED"]);
            if order["state"] == "CONFIRMED" {
                mall.deliver(&asked.order);
            }
        }
    }
    let evidence = mall.quiesce(Duration::from_secs(30), rules::ALL);
    let judged = rules::judge(rules::ALL, &evidence);
    println!("{judged:?}; the audit agrees about {} orders", mall.until_audited(&evidence));
    assert!(judged.is_ok_and(|judged| judged.len() == rules::ALL.len()));
}
