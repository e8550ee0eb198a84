//! From placed to confirmed or rejected, within the deadline.

use bongsu_core::{Ctx, Effect, Input, Messages, Process};
use serde::{Deserialize, Serialize};

use crate::{
    confirm_order::ConfirmOrder,
    events::{OrderCancelled, OrderPlaced, RejectedWhy, Shortage},
    heard::{PaymentCaptured, PaymentDeclined, StockRejected, StockReserved},
    ids::OrderId,
    reject_order::RejectOrder,
};

/// The timer that ends a pending order.
pub const DEADLINE: &str = "deadline";

/// Gathers what an order needs to stand. It only asks: whether the order is still pending is judged there.
///
/// It undoes nothing. Product and payment hear the order's end and give back what they hold, also what
/// they come to hold later; so a late reply needs no answer here.
pub struct Checkout;

/// What a checkout hears; the first and the last are this context's own events.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum CheckoutHeard {
    #[starts]
    Placed(OrderPlaced),
    StockReserved(StockReserved),
    StockRejected(StockRejected),
    PaymentCaptured(PaymentCaptured),
    PaymentDeclined(PaymentDeclined),
    Cancelled(OrderCancelled),
}

/// What a checkout asks for.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum CheckoutCommand {
    Confirm(ConfirmOrder),
    Reject(RejectOrder),
}

/// What a checkout remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckoutState {
    order: OrderId,
    stock_held: bool,
    captured: bool,
    verdict: Option<Verdict>,
    /// The verdict was reached by an earlier input and acted upon.
    spoken: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Verdict {
    Confirm,
    Reject(RejectedWhy, Vec<Shortage>),
    /// The customer was faster; nothing to ask for.
    Withdrawn,
}

impl Process for Checkout {
    const NAME: &'static str = "checkout";
    type Heard = CheckoutHeard;
    type State = CheckoutState;
    type Command = CheckoutCommand;

    fn evolve(state: &mut CheckoutState, input: &Input<'_, CheckoutHeard>) {
        state.spoken = state.verdict.is_some();
        let reached = match input {
            Input::Heard(CheckoutHeard::Placed(e)) => {
                state.order = e.order.clone();
                None
            }
            Input::Heard(CheckoutHeard::StockReserved(_)) => {
                state.stock_held = true;
                state.complete()
            }
            Input::Heard(CheckoutHeard::PaymentCaptured(_)) => {
                state.captured = true;
                state.complete()
            }
            Input::Heard(CheckoutHeard::StockRejected(e)) => {
                Some(Verdict::Reject(RejectedWhy::OutOfStock, e.short.clone()))
            }
            Input::Heard(CheckoutHeard::PaymentDeclined(_)) => {
                Some(Verdict::Reject(RejectedWhy::PaymentDeclined, Vec::new()))
            }
            Input::Heard(CheckoutHeard::Cancelled(_)) => Some(Verdict::Withdrawn),
            Input::Woke { .. } => Some(Verdict::Reject(RejectedWhy::Deadline, Vec::new())),
            Input::Refused { .. } => None,
        };
        if state.verdict.is_none() {
            state.verdict = reached;
        }
    }

    fn react(&self, state: &CheckoutState, input: &Input<'_, CheckoutHeard>, _: &Ctx) -> Vec<Effect<CheckoutCommand>> {
        if let Input::Heard(CheckoutHeard::Placed(placed)) = input {
            return vec![Effect::Wake { name: DEADLINE, at_ms: placed.expires_at_ms }];
        }
        if state.spoken {
            return Vec::new();
        }
        let order = state.order.clone();
        let mut effects = match &state.verdict {
            None => return Vec::new(),
            Some(Verdict::Confirm) => vec![Effect::Send(ConfirmOrder { order }.into())],
            Some(Verdict::Reject(why, short)) => {
                vec![Effect::Send(RejectOrder { order, why: *why, short: short.clone() }.into())]
            }
            Some(Verdict::Withdrawn) => Vec::new(),
        };
        effects.extend([Effect::CancelWake(DEADLINE), Effect::Done]);
        effects
    }
}

impl CheckoutState {
    fn complete(&self) -> Option<Verdict> {
        (self.stock_held && self.captured).then_some(Verdict::Confirm)
    }
}
