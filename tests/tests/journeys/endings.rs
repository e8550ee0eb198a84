//! How orders end that nobody cancels.

use serde_json::Value;

use crate::shared::{alone, together};

#[test]
fn an_order_is_confirmed_delivered_and_its_stock_is_gone_for_good() {
    let mall = together();
    mall.put_on_sale("LAMP", 12_000, 4);
    let order = mall.buy("three lamps", &[("LAMP", 3)]);
    mall.until_order(&order, &["CONFIRMED"]);
    assert_eq!(mall.stock("LAMP"), (4, 3, 1));
    mall.deliver(&order);
    let row = mall.until_row(&order, "committed", |row| row["stock"] == "committed");
    assert_eq!(row["status"]["code"], "delivered");
    assert_eq!(mall.stock("LAMP"), (1, 0, 1));
    assert_eq!(mall.charge(&order)["amount"]["minor"], 36_000);
}

#[test]
fn an_order_of_which_any_line_falls_short_takes_nothing() {
    let mall = together();
    mall.put_on_sale("PLENTY", 1_000, 5);
    mall.put_on_sale("SCARCE", 1_000, 1);
    let order = mall.buy("plenty and scarce", &[("PLENTY", 2), ("SCARCE", 2)]);
    let rejected = mall.until_order(&order, &["REJECTED"]);
    assert_eq!(rejected["why"], "out-of-stock");
    assert_eq!(rejected["short"], serde_json::json!([{ "sku": "SCARCE", "asked": 2, "available": 1 }]));
    let row = mall.until_row(&order, "rejected", |row| row["status"]["code"] == "rejected");
    assert_eq!((&row["stock"], &row["payment"]), (&"rejected".into(), &Value::Null));
    assert_eq!((mall.stock("PLENTY"), mall.stock("SCARCE")), ((5, 0, 5), (1, 0, 1)));
    mall.until_told_once("product", &order, &["stock-rejected"]);
    assert_eq!(mall.charge(&order), Value::Null, "nobody was charged");
}

#[test]
fn a_declined_payment_rejects_the_order_and_gives_its_stock_back() {
    let mall = alone();
    mall.put_on_sale("VASE", 70_000, 2);
    mall.provider("decline", 0);
    let order = mall.buy("a vase on a bad card", &[("VASE", 2)]);
    let rejected = mall.until_order(&order, &["REJECTED"]);
    mall.provider("ok", 0);
    assert_eq!(rejected["why"], "payment-declined");
    mall.until_available("VASE", 2);
    mall.until_told_once("product", &order, &["stock-reserved", "stock-released"]);
    mall.until_told_once("payment", &order, &["payment-declined"]);
    assert_eq!(mall.charge(&order)["status"], "declined");
}

#[test]
fn an_order_whose_deadline_passes_while_product_is_down_is_rejected_and_keeps_nothing() {
    let mall = alone();
    mall.put_on_sale("RUG", 30_000, 3);
    mall.stop("product");
    let order = mall.buy("a rug nobody reserves", &[("RUG", 1)]);
    assert_eq!(mall.order(&order)["state"], "PENDING", "it is accepted all the same");
    let rejected = mall.until_order(&order, &["REJECTED"]);
    mall.start_again("product");
    assert_eq!(rejected["why"], "deadline");
    // What product does for it now, it takes back when it hears the end.
    mall.until_row(&order, "without stock", |row| row["stock"] == "released");
    assert_eq!(mall.stock("RUG"), (3, 0, 3));
    assert_eq!(mall.charge(&order), Value::Null, "nobody was charged after the end");
}

#[test]
fn a_delivery_that_fails_cancels_the_order_and_gives_everything_back() {
    let mall = together();
    mall.put_on_sale("PIANO", 900_000, 1);
    let order = mall.buy("a piano", &[("PIANO", 1)]);
    mall.until_delivery(&order, "PREPARED");
    let _ = mall.move_parcel(&order, "depart").expect(200);
    let _ = mall.move_parcel(&order, "fail").expect(200);
    let cancelled = mall.until_order(&order, &["CANCELLED"]);
    assert_eq!(cancelled["why"], "delivery-failed");
    mall.until_payment(&order, "REFUNDED");
    mall.until_available("PIANO", 1);
    mall.until_shown(&order, "cancelled");
    assert_eq!(mall.charge(&order)["refunded"], true);
}
