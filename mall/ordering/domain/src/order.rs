//! The order: its states, and which command meets which use case.

use bongsu_core::{Aggregate, Ctx, Decider, Messages, Wire as _, message};
use money::Money;
use serde::{Deserialize, Serialize};

use crate::{
    cancel_order::{self, CancelOrder},
    cancel_undelivered::{self, CancelUndelivered},
    complete_order::{self, CompleteOrder},
    confirm_order::{self, ConfirmOrder},
    events::{CancelledWhy, OrderEvent, OrderPlaced, RejectedWhy, Shortage},
    ids::Sku,
    place_order::{self, PlaceOrder},
    refuse_cancellation::{self, RefuseCancellation},
    reject_order::{self, RejectOrder},
};

/// Decides over one order; id = order id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// A placed order that is not confirmed within this time is rejected.
    pub window_ms: i64,
}

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

/// What may be asked of an order.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum OrderCommand {
    Place(PlaceOrder),
    Confirm(ConfirmOrder),
    Reject(RejectOrder),
    Cancel(CancelOrder),
    RefuseCancellation(RefuseCancellation),
    CancelUndelivered(CancelUndelivered),
    Complete(CompleteOrder),
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

impl Default for Orders {
    fn default() -> Self {
        Self { window_ms: 30_000 }
    }
}

impl Aggregate for Orders {
    const NAME: &'static str = "order";
    type Event = OrderEvent;
    type State = OrderState;

    fn evolve(state: &mut OrderState, event: &OrderEvent) {
        state.confirmed |= matches!(event, OrderEvent::Confirmed(_));
        state.phase = match event {
            OrderEvent::Placed(placed) => {
                state.placed = Some(placed.clone());
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

impl Decider for Orders {
    type Command = OrderCommand;
    type Rejection = OrderRejection;

    fn target(&self, command: &OrderCommand, ctx: &Ctx) -> String {
        command.key().unwrap_or_else(|| ctx.id("ord", 0))
    }

    fn decide(&self, state: &OrderState, command: OrderCommand, ctx: &Ctx) -> Result<Vec<OrderEvent>, OrderRejection> {
        match command {
            OrderCommand::Place(c) => place_order::decide(state, c, self.window_ms, ctx),
            OrderCommand::Confirm(c) => confirm_order::decide(state, c, ctx),
            OrderCommand::Reject(c) => reject_order::decide(state, c, ctx),
            OrderCommand::Cancel(c) => cancel_order::decide(state, c, ctx),
            OrderCommand::RefuseCancellation(c) => refuse_cancellation::decide(state, c, ctx),
            OrderCommand::CancelUndelivered(c) => cancel_undelivered::decide(state, c, ctx),
            OrderCommand::Complete(c) => complete_order::decide(state, c, ctx),
        }
    }
}
