//! Stock follows the order's life: reserved when it is placed, released when it ends, committed when it is
//! completed.

use bongsu_core::{Ctx, Messages, message};
use product_domain::{
    commit_stock::CommitStock, events::Line, ids::OrderId, release_stock::ReleaseStock, reserve_stock::ReserveStock,
};

/// A customer ordered.
#[message("ordering.order-placed", version = 1, key = order)]
pub struct OrderPlaced {
    /// Which order.
    pub order: OrderId,
    /// What it needs.
    pub lines: Vec<Line>,
}

/// It ended before it was confirmed.
#[message("ordering.order-rejected", version = 1, key = order)]
pub struct OrderRejected {
    /// Which order.
    pub order: OrderId,
}

/// It was called back.
#[message("ordering.order-cancelled", version = 1, key = order)]
pub struct OrderCancelled {
    /// Which order.
    pub order: OrderId,
}

/// It was delivered.
#[message("ordering.order-completed", version = 1, key = order)]
pub struct OrderCompleted {
    /// Which order.
    pub order: OrderId,
}

/// What stock hears of orders.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum OrderFact {
    Placed(OrderPlaced),
    Rejected(OrderRejected),
    Cancelled(OrderCancelled),
    Completed(OrderCompleted),
}

/// What follows for stock.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum ReservationCommand {
    Reserve(ReserveStock),
    Release(ReleaseStock),
    Commit(CommitStock),
}

/// Reserves, releases and commits as orders go.
pub fn follow_orders(fact: &OrderFact, _: &Ctx) -> Vec<ReservationCommand> {
    vec![match fact.clone() {
        OrderFact::Placed(OrderPlaced { order, lines }) => ReserveStock { order, lines }.into(),
        OrderFact::Rejected(OrderRejected { order }) => ReleaseStock { order }.into(),
        OrderFact::Cancelled(OrderCancelled { order }) => ReleaseStock { order }.into(),
        OrderFact::Completed(OrderCompleted { order }) => CommitStock { order }.into(),
    }]
}
