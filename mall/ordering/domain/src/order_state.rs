//! How far an order is, and why one did not change.

use bongsu_core::message;
use money::Money;
use serde::{Deserialize, Serialize};

use crate::{
    events::{CancelledWhy, OrderEvent, OrderPlaced, RejectedWhy, Shortage},
    ids::Sku,
};

/// What is known of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderState {
    /// What was ordered; `None` before it was placed.
    pub placed: Option<OrderPlaced>,
    /// How far it is.
    pub phase: Phase,
    /// Whether it ever was confirmed, whatever became of it then.
    pub confirmed: bool,
}

/// How far an order is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// Not placed.
    #[default]
    Unknown,
    /// Placed; waits for stock and payment.
    Pending,
    /// On its way to the customer.
    Confirmed {
        /// Whether the customer wants it back.
        cancellation: Cancellation,
    },
    /// Ended unconfirmed.
    Rejected {
        /// Why.
        why: RejectedWhy,
        /// The lines that fell short.
        short: Vec<Shortage>,
    },
    /// Ended by the customer or by a failed delivery.
    Cancelled {
        /// Why.
        why: CancelledWhy,
    },
    /// Delivered.
    Completed,
}

/// Whether the customer wants a confirmed order back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cancellation {
    /// No.
    None,
    /// Yes; delivery has not answered yet.
    Requested,
    /// Yes, but it was on its way.
    Refused,
}

/// Why an order did not change.
#[message("order.rejection", version = 1)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum OrderRejection {
    /// An order of nothing.
    NoLines,
    /// More lines than one order holds.
    TooManyLines {
        /// The limit.
        most: usize,
    },
    /// A quantity of nothing, or of too many.
    Quantity {
        /// Which line, from 0.
        line: usize,
        /// The limit.
        most: u32,
    },
    /// Not in the price list.
    UnknownProduct {
        /// Which line, from 0.
        line: usize,
        /// What was asked for.
        sku: Sku,
    },
    /// No longer sold.
    NotSold {
        /// Which line, from 0.
        line: usize,
        /// What was asked for.
        sku: Sku,
    },
    /// The price the customer saw was not current within the last minute.
    PriceChanged {
        /// Which line, from 0.
        line: usize,
        /// What was asked for.
        sku: Sku,
        /// What it costs now.
        price: Money,
    },
    /// Prices of two currencies do not add up.
    MixedCurrencies,
    /// The sum leaves the range of money.
    TooExpensive,
    /// No address, or one that does not fit on a label.
    Address {
        /// The longest, in characters.
        longest: usize,
    },
    /// The id is taken.
    AlreadyPlaced,
    /// There is no such order, or it belongs to somebody else.
    NoSuchOrder,
    /// It is not PENDING any more.
    NotPending,
    /// It is not confirmed, or not any more.
    NotConfirmed,
    /// It has ended.
    AlreadyEnded,
    /// It was asked for before; delivery has not answered yet.
    CancellationPending,
    /// Nobody asked for a cancellation.
    NoCancellation,
    /// It is on its way already.
    OnItsWay,
}

impl OrderState {
    /// What an event makes of it.
    pub(crate) fn evolve(&mut self, event: &OrderEvent) {
        self.confirmed |= matches!(event, OrderEvent::Confirmed(_));
        self.phase = match event {
            OrderEvent::Placed(placed) => {
                self.placed = Some(placed.clone());
                Phase::Pending
            }
            OrderEvent::Confirmed(_) => Phase::Confirmed { cancellation: Cancellation::None },
            OrderEvent::CancellationRequested(_) => Phase::Confirmed { cancellation: Cancellation::Requested },
            OrderEvent::CancellationRefused(_) => Phase::Confirmed { cancellation: Cancellation::Refused },
            OrderEvent::Rejected(e) => Phase::Rejected { why: e.why, short: e.short.clone() },
            OrderEvent::Cancelled(e) => Phase::Cancelled { why: e.why },
            OrderEvent::Completed(_) => Phase::Completed,
        };
    }
}
