//! The order: which command meets which use case. How far an order is, and why it did not change, is
//! [`order_state`](crate::order_state), below the use cases.

use bongsu_core::{Aggregate, Ctx, Decider, Messages, Wire as _};

pub use crate::order_state::{Cancellation, OrderRejection, OrderState, Phase};

use crate::{
    cancel_order::{self, CancelOrder},
    cancel_undelivered::{self, CancelUndelivered},
    complete_order::{self, CompleteOrder},
    confirm_order::{self, ConfirmOrder},
    events::OrderEvent,
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
        state.evolve(event);
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
