//! What stock does when it hears of orders.

use bongsu_testing::given::policy;
use product::policies::follow_orders::{OrderCancelled, OrderCompleted, OrderPlaced, OrderRejected, follow_orders};
use product_domain::{
    commit_stock::CommitStock, events::Line, ids::OrderId, release_stock::ReleaseStock, reserve_stock::ReserveStock,
};

fn order() -> OrderId {
    "o1".into()
}

#[test]
fn a_placed_order_reserves_its_lines() {
    let lines = || vec![Line { sku: "TV".into(), quantity: 2 }];
    let placed = OrderPlaced { order: order(), lines: lines() };
    policy(follow_orders, placed).then([ReserveStock { order: order(), lines: lines() }.into()]);
}

#[test]
fn an_order_that_ended_releases_what_it_holds() {
    policy(follow_orders, OrderRejected { order: order() }).then([ReleaseStock { order: order() }.into()]);
    policy(follow_orders, OrderCancelled { order: order() }).then([ReleaseStock { order: order() }.into()]);
}

#[test]
fn a_completed_order_commits_what_it_holds() {
    policy(follow_orders, OrderCompleted { order: order() }).then([CommitStock { order: order() }.into()]);
}
