//! What stock does when it hears of orders.

use bongsu_testing::given::policy;
use product_domain::{
    commit_stock::CommitStock, events::Line, release_stock::ReleaseStock, reserve_stock::ReserveStock,
};
use product_service::policies::follow_orders::{
    FollowOrders, OrderCancelled, OrderCompleted, OrderPlaced, OrderRejected,
};

fn order() -> String {
    "o1".into()
}

#[test]
fn a_placed_order_reserves_its_lines() {
    let lines = || vec![Line { sku: "TV".into(), quantity: 2 }];
    let placed = OrderPlaced { order: order(), lines: lines() };
    policy(&FollowOrders, placed).then([ReserveStock { order: order(), lines: lines() }.into()]);
}

#[test]
fn an_order_that_ended_releases_what_it_holds() {
    policy(&FollowOrders, OrderRejected { order: order() }).then([ReleaseStock { order: order() }.into()]);
    policy(&FollowOrders, OrderCancelled { order: order() }).then([ReleaseStock { order: order() }.into()]);
}

#[test]
fn a_completed_order_commits_what_it_holds() {
    policy(&FollowOrders, OrderCompleted { order: order() }).then([CommitStock { order: order() }.into()]);
}
