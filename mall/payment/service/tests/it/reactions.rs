//! What payment remembers of what it hears.

use bongsu_testing::given::policy;
use money::Money;
use payment_domain::{
    begin_capture::{RememberIntent, RememberStockHeld},
    remember_end::RememberEnd,
};
use payment_service::policies::follow_orders::{
    FollowOrders, OrderCancelled, OrderPlaced, OrderRejected, StockReserved,
};

fn order() -> String {
    "o1".into()
}

#[test]
fn a_placed_order_is_an_intent_to_pay() {
    let (amount, expires_at_ms) = (Money::krw(20_000), 30_000);
    let placed = OrderPlaced { order: order(), amount, expires_at_ms };
    policy(&FollowOrders, placed).then([RememberIntent { order: order(), amount, expires_at_ms }.into()]);
}

#[test]
fn reserved_stock_is_remembered() {
    policy(&FollowOrders, StockReserved { order: order() }).then([RememberStockHeld { order: order() }.into()]);
}

#[test]
fn both_ends_of_an_order_are_ends_for_its_money() {
    policy(&FollowOrders, OrderRejected { order: order() }).then([RememberEnd { order: order() }.into()]);
    policy(&FollowOrders, OrderCancelled { order: order() }).then([RememberEnd { order: order() }.into()]);
}
