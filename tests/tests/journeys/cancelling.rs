//! The customer wants out.

use serde_json::json;
use system_tests::harness::Mall;

use crate::shared::{alone, together};

/// Asks once more: under a key of its own, since the first key has its answer for ever.
fn insist(mall: &Mall, order: &str) -> String {
    let answer = mall.post(&format!("/orders/{order}/cancel"), &format!("insist {order}"), &json!({})).expect(409);
    answer.json()["type"].to_string()
}

#[test]
fn an_order_cancelled_before_it_is_confirmed_ends_at_once_and_the_late_capture_is_refunded() {
    let mall = alone();
    mall.put_on_sale("CLOAK", 40_000, 2);
    mall.provider("slow", 3_000);
    let order = mall.buy("a cloak, slowly", &[("CLOAK", 1)]);
    mall.until_available("CLOAK", 1);
    assert_eq!(mall.order(&order)["state"], "PENDING");
    let _ = mall.cancel(&order).expect(202);
    let cancelled = mall.order(&order);
    assert_eq!((&cancelled["state"], &cancelled["why"]), (&"CANCELLED".into(), &"customer".into()));
    mall.until_available("CLOAK", 2);
    mall.until_payment(&order, "REFUNDED");
    mall.provider("ok", 0);
    let charge = mall.charge(&order);
    assert_eq!((&charge["status"], &charge["refunded"]), (&"captured".into(), &true.into()));
    mall.until_row(&order, "refunded", |row| row["status"]["code"] == "cancelled" && row["payment"] == "refunded");
}

#[test]
fn a_confirmed_order_is_cancelled_when_delivery_still_has_the_parcel() {
    let mall = together();
    mall.put_on_sale("SOFA", 500_000, 1);
    let order = mall.buy("a sofa", &[("SOFA", 1)]);
    mall.until_delivery(&order, "PREPARED");
    let _ = mall.cancel(&order).expect(202);
    assert_eq!(mall.until_order(&order, &["CANCELLED"])["why"], "customer");
    mall.until_delivery(&order, "CANCELLED");
    mall.until_payment(&order, "REFUNDED");
    mall.until_available("SOFA", 1);
    mall.until_shown(&order, "cancelled");
    assert_eq!(mall.told("ordering", &order)["cancellation-requested"], 1);
    assert!(insist(&mall, &order).contains("already-ended"));
}

#[test]
fn a_parcel_on_its_way_is_not_called_back() {
    let mall = together();
    mall.put_on_sale("BIKE", 300_000, 1);
    let order = mall.buy("a bike", &[("BIKE", 1)]);
    mall.until_delivery(&order, "PREPARED");
    let _ = mall.move_parcel(&order, "depart").expect(200);
    let asked = mall.ask("POST", &format!("/orders/{order}/cancel"), Some("too late for the bike"), Some(&json!({})));
    // Ordering may have heard of the departure before it was asked; if not, delivery's answer is the departure.
    let asked = asked.expect("the gateway answers");
    assert!(asked.status == 202 || asked.json()["type"] == "/errors/on-its-way", "{asked:?}");
    let row = mall.until_shown(&order, "on-its-way");
    assert_eq!(row["payment"], "captured");
    if asked.status == 202 {
        mall.until_row(&order, "refused", |row| row["cancellation"] == "refused");
        assert!(insist(&mall, &order).contains("on-its-way"));
    }
    let _ = mall.move_parcel(&order, "complete").expect(200);
    mall.until_order(&order, &["COMPLETED"]);
    assert_eq!(mall.charge(&order)["refunded"], false);
}

#[test]
fn while_delivery_is_down_the_wish_to_cancel_stays_visibly_pending() {
    let mall = alone();
    mall.put_on_sale("TENT", 60_000, 1);
    mall.stop("delivery");
    let order = mall.buy("a tent", &[("TENT", 1)]);
    mall.until_order(&order, &["CONFIRMED"]);
    let _ = mall.cancel(&order).expect(202);
    let pending = mall.order(&order);
    assert_eq!((&pending["state"], &pending["cancellation"]), (&"CONFIRMED".into(), &"REQUESTED".into()));
    assert_eq!(mall.until_shown(&order, "cancelling")["status"]["ko"], "주문 취소 요청됨");
    assert!(insist(&mall, &order).contains("cancellation-pending"));
    assert_eq!((mall.available("TENT"), &mall.charge(&order)["refunded"]), (0, &false.into()), "nothing is undone yet");
    mall.start_again("delivery");
    mall.until_order(&order, &["CANCELLED"]);
    mall.until_payment(&order, "REFUNDED");
    mall.until_available("TENT", 1);
}
