//! Money follows the order's life: taken when stock is held, never taken or given back when it ends.

use bongsu_core::{Ctx, Policy, version, wire};
use money::Money;
use payment_domain::{
    begin_capture::{RememberIntent, RememberStockHeld},
    payment::PaymentCommand,
    remember_end::RememberEnd,
};
use serde::{Deserialize, Serialize};

/// A customer ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// Which order.
    pub order: String,
    /// What it costs.
    pub amount: Money,
    /// Rejected unless confirmed by then, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}
version!(OrderPlaced, "ordering.order-placed", 1);

/// Product holds every line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockReserved {
    /// For which order.
    pub order: String,
}
version!(StockReserved, "product.stock-reserved", 1);

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

wire! {
    /// What payment hears of orders.
    pub enum OrderFact {
        Placed(OrderPlaced),
        Reserved(StockReserved),
        Rejected(OrderRejected),
        Cancelled(OrderCancelled),
    }
}

/// Remembers what is known; the payment decides what follows.
pub struct FollowOrders;

impl Policy for FollowOrders {
    const NAME: &'static str = "follow-orders";
    type Fact = OrderFact;
    type Command = PaymentCommand;

    fn react(&self, fact: &OrderFact, _: &Ctx) -> Vec<PaymentCommand> {
        vec![match fact.clone() {
            OrderFact::Placed(OrderPlaced { order, amount, expires_at_ms }) => {
                RememberIntent { order, amount, expires_at_ms }.into()
            }
            OrderFact::Reserved(StockReserved { order }) => RememberStockHeld { order }.into(),
            OrderFact::Rejected(OrderRejected { order }) => RememberEnd { order }.into(),
            OrderFact::Cancelled(OrderCancelled { order }) => RememberEnd { order }.into(),
        }]
    }
}
