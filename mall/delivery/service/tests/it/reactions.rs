//! What delivery does when it hears of orders.

use bongsu_testing::given::policy;
use delivery_domain::{cancel_delivery::CancelDelivery, events::Item, prepare_delivery::PrepareDelivery};
use delivery_service::policies::follow_orders::{CancellationRequested, FollowOrders, OrderConfirmed};

fn order() -> String {
    "o1".into()
}

#[test]
fn a_confirmed_order_is_packed() {
    let items = || vec![Item { sku: "TV".into(), name: "TV".into(), quantity: 2 }];
    let address = || "Seoul".to_owned();
    policy(&FollowOrders, OrderConfirmed { order: order(), lines: items(), address: address() })
        .then([PrepareDelivery { order: order(), address: address(), items: items() }.into()]);
}

#[test]
fn an_order_the_customer_wants_back_is_kept_back() {
    policy(&FollowOrders, CancellationRequested { order: order() }).then([CancelDelivery { order: order() }.into()]);
}
