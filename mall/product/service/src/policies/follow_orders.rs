//! Stock follows the order's life: reserved when it is placed, released when it ends, committed when it is
//! completed.

use bongsu_core::{Ctx, Policy, version, wire};
use product_domain::{
    commit_stock::CommitStock, events::Line, release_stock::ReleaseStock, reserve_stock::ReserveStock,
};
use serde::{Deserialize, Serialize};

/// A customer ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// Which order.
    pub order: String,
    /// What it needs.
    pub lines: Vec<Line>,
}
version!(OrderPlaced, "ordering.order-placed", 1);

/// It ended before it was confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRejected {
    /// Which order.
    pub order: String,
}
version!(OrderRejected, "ordering.order-rejected", 1);

/// It was called back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Which order.
    pub order: String,
}
version!(OrderCancelled, "ordering.order-cancelled", 1);

/// It was delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCompleted {
    /// Which order.
    pub order: String,
}
version!(OrderCompleted, "ordering.order-completed", 1);

wire! {
    /// What stock hears of orders.
    pub enum OrderFact {
        Placed(OrderPlaced),
        Rejected(OrderRejected),
        Cancelled(OrderCancelled),
        Completed(OrderCompleted),
    }
}

wire! {
    /// What follows for stock.
    pub enum ReservationCommand {
        Reserve(ReserveStock),
        Release(ReleaseStock),
        Commit(CommitStock),
    }
}

/// Reserves, releases and commits as orders go.
pub struct FollowOrders;

impl Policy for FollowOrders {
    const NAME: &'static str = "follow-orders";
    type Fact = OrderFact;
    type Command = ReservationCommand;

    fn react(&self, fact: &OrderFact, _: &Ctx) -> Vec<ReservationCommand> {
        vec![match fact.clone() {
            OrderFact::Placed(OrderPlaced { order, lines }) => ReserveStock { order, lines }.into(),
            OrderFact::Rejected(OrderRejected { order }) => ReleaseStock { order }.into(),
            OrderFact::Cancelled(OrderCancelled { order }) => ReleaseStock { order }.into(),
            OrderFact::Completed(OrderCompleted { order }) => CommitStock { order }.into(),
        }]
    }
}
