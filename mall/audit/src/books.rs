//! What each context told of one order.
//!
//! Facts of different contexts arrive in any order; since each part is changed by its own context alone, every
//! order of arrival ends in the same books. Nothing is overwritten: what was told twice is there twice.

use std::collections::BTreeMap;

use money::Money;
use serde::{Deserialize, Serialize};

use crate::heard::{Line, OrderFact, Sku};

/// Everything told of one order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// By ordering.
    pub ordering: Ordering,
    /// By product.
    pub product: Product,
    /// By payment.
    pub payment: Payment,
    /// By delivery.
    pub delivery: Delivery,
    /// The order's time to be decided is over, and some.
    pub overdue: bool,
}

/// What ordering told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordering {
    /// What was ordered.
    pub placed: Option<Placed>,
    /// It stood.
    pub confirmed: bool,
    /// How it ended, as often as that was told.
    pub ends: Vec<End>,
}

/// What was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Pieces by product.
    pub pieces: Pieces,
    /// What it costs.
    pub amount: Money,
    /// It is decided by then, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// Before it was confirmed.
    Rejected,
    /// Called back, or not to be delivered.
    Cancelled,
    /// Delivered.
    Completed,
}

/// Pieces by product.
pub type Pieces = BTreeMap<Sku, u64>;

/// What product told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// It holds these.
    pub held: Option<Pieces>,
    /// There was not enough.
    pub refused: bool,
    /// It took these back.
    pub released: Option<Pieces>,
    /// These left for good.
    pub committed: Option<Pieces>,
}

/// What payment told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Every time money was taken.
    pub captured: Vec<Money>,
    /// The provider declined.
    pub declined: bool,
    /// Every time money went back.
    pub refunded: Vec<Money>,
}

/// What delivery told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Packed.
    pub prepared: bool,
    /// On its way.
    pub departed: bool,
    /// Arrived.
    pub completed: bool,
    /// Not to be delivered.
    pub failed: bool,
    /// Kept back.
    pub cancelled: bool,
}

impl Books {
    /// Notes a fact.
    pub fn hear(&mut self, fact: &OrderFact) {
        match fact {
            OrderFact::OrderPlaced(e) => {
                let pieces = pieces(&e.lines);
                let amount = e.amount;
                let expires_at_ms = e.expires_at_ms;
                self.ordering.placed = Some(Placed { pieces, amount, expires_at_ms });
            }
            OrderFact::OrderConfirmed(_) => self.ordering.confirmed = true,
            OrderFact::OrderRejected(_) => self.ordering.ends.push(End::Rejected),
            OrderFact::OrderCancelled(_) => self.ordering.ends.push(End::Cancelled),
            OrderFact::OrderCompleted(_) => self.ordering.ends.push(End::Completed),
            OrderFact::StockReserved(e) => self.product.held = Some(pieces(&e.lines)),
            OrderFact::StockRejected(_) => self.product.refused = true,
            OrderFact::StockReleased(e) => self.product.released = Some(pieces(&e.lines)),
            OrderFact::StockCommitted(e) => self.product.committed = Some(pieces(&e.lines)),
            OrderFact::PaymentCaptured(e) => self.payment.captured.push(e.amount),
            OrderFact::PaymentDeclined(_) => self.payment.declined = true,
            OrderFact::PaymentRefunded(e) => self.payment.refunded.push(e.amount),
            OrderFact::DeliveryPrepared(_) => self.delivery.prepared = true,
            OrderFact::DeliveryDeparted(_) => self.delivery.departed = true,
            OrderFact::DeliveryCompleted(_) => self.delivery.completed = true,
            OrderFact::DeliveryFailed(_) => self.delivery.failed = true,
            OrderFact::DeliveryCancelled(_) => self.delivery.cancelled = true,
        }
    }

    /// It ended in this way, whatever else was told.
    pub fn ended(&self, end: End) -> bool {
        self.ordering.ends.contains(&end)
    }

    /// It ended without being delivered.
    pub fn undone(&self) -> bool {
        self.ended(End::Rejected) || self.ended(End::Cancelled)
    }

    /// By when somebody should have spoken who has not: ordering, or delivery of a confirmed order.
    pub fn awaited_by_ms(&self) -> Option<i64> {
        let decided = !self.ordering.ends.is_empty() || (self.ordering.confirmed && self.delivery.has_spoken());
        self.ordering.placed.as_ref().filter(|_| !decided).map(|placed| placed.expires_at_ms)
    }
}

impl Product {
    /// It told something of this order.
    pub fn has_spoken(&self) -> bool {
        *self != Self::default()
    }
}

impl Payment {
    /// It told something of this order.
    pub fn has_spoken(&self) -> bool {
        *self != Self::default()
    }
}

impl Delivery {
    /// It told something of this order.
    pub fn has_spoken(&self) -> bool {
        *self != Self::default()
    }
}

/// Two lines of one product count together.
fn pieces(lines: &[Line]) -> Pieces {
    let mut pieces = Pieces::new();
    for line in lines {
        let of_this = pieces.entry(line.sku.clone()).or_default();
        *of_this = of_this.saturating_add(line.quantity);
    }
    pieces
}
