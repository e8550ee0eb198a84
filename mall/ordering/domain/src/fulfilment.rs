//! From confirmed to completed or cancelled: what delivery says, and what the customer wants meanwhile.

use bongsu_core::{Ctx, Effect, Input, Messages, Process};
use serde::{Deserialize, Serialize};

use crate::{
    cancel_undelivered::CancelUndelivered,
    complete_order::CompleteOrder,
    events::{CancellationRequested, CancelledWhy, OrderConfirmed},
    heard::{DeliveryCancelled, DeliveryCompleted, DeliveryDeparted, DeliveryFailed},
    ids::OrderId,
    refuse_cancellation::RefuseCancellation,
};

/// Follows a confirmed order. It has no deadline: while delivery is down, a requested cancellation stays
/// visibly pending, and a parcel is never given up because of a clock.
pub struct Fulfilment;

/// What a fulfilment hears; the first two are this context's own events.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum FulfilmentHeard {
    #[starts]
    Confirmed(OrderConfirmed),
    CancellationRequested(CancellationRequested),
    Departed(DeliveryDeparted),
    Completed(DeliveryCompleted),
    Failed(DeliveryFailed),
    Cancelled(DeliveryCancelled),
}

/// What a fulfilment asks for.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum FulfilmentCommand {
    RefuseCancellation(RefuseCancellation),
    CancelUndelivered(CancelUndelivered),
    Complete(CompleteOrder),
}

/// What a fulfilment remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FulfilmentState {
    departed: bool,
    cancelling: bool,
}

impl Process for Fulfilment {
    const NAME: &'static str = "fulfilment";
    type Heard = FulfilmentHeard;
    type State = FulfilmentState;
    type Command = FulfilmentCommand;

    fn evolve(state: &mut FulfilmentState, input: &Input<'_, FulfilmentHeard>) {
        match input {
            Input::Heard(FulfilmentHeard::CancellationRequested(_)) => state.cancelling = true,
            Input::Heard(FulfilmentHeard::Departed(_)) => state.departed = true,
            Input::Heard(
                FulfilmentHeard::Confirmed(_)
                | FulfilmentHeard::Completed(_)
                | FulfilmentHeard::Failed(_)
                | FulfilmentHeard::Cancelled(_),
            )
            | Input::Woke { .. }
            | Input::Refused { .. } => {}
        }
    }

    fn react(
        &self,
        state: &FulfilmentState,
        input: &Input<'_, FulfilmentHeard>,
        _: &Ctx,
    ) -> Vec<Effect<FulfilmentCommand>> {
        let Input::Heard(heard) = input else { return Vec::new() };
        match heard {
            FulfilmentHeard::Confirmed(_) => Vec::new(),
            FulfilmentHeard::CancellationRequested(e) => refuse_if_gone(state, &e.order),
            FulfilmentHeard::Departed(e) => refuse_if_gone(state, &e.order),
            FulfilmentHeard::Completed(e) => end(CompleteOrder { order: e.order.clone() }),
            FulfilmentHeard::Failed(e) => {
                end(CancelUndelivered { order: e.order.clone(), why: CancelledWhy::DeliveryFailed })
            }
            FulfilmentHeard::Cancelled(e) => {
                end(CancelUndelivered { order: e.order.clone(), why: CancelledWhy::Customer })
            }
        }
    }
}

/// Both the wish and the departure lead here; only whichever is heard second finds both true.
fn refuse_if_gone(state: &FulfilmentState, order: &OrderId) -> Vec<Effect<FulfilmentCommand>> {
    if state.departed && state.cancelling {
        vec![Effect::Send(RefuseCancellation { order: order.clone() }.into())]
    } else {
        Vec::new()
    }
}

fn end(command: impl Into<FulfilmentCommand>) -> Vec<Effect<FulfilmentCommand>> {
    vec![Effect::Send(command.into()), Effect::Done]
}
