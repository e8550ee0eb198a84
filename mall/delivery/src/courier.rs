//! Who moves a parcel: the clock, or people through the API.

use bongsu_core::{Ctx, Effect, Input, Messages, Process};
use serde::{Deserialize, Serialize};

use crate::delivery::{
    CompleteDelivery, DeliveryCancelled, DeliveryCompleted, DeliveryDeparted, DeliveryFailed, DeliveryPrepared, Depart,
    OrderId,
};

/// The timer after which a packed parcel leaves.
pub const DEPART: &str = "depart";
/// The timer after which a parcel on its way arrives.
pub const COMPLETE: &str = "complete";

/// Moves parcels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Courier {
    /// By clock.
    Auto {
        /// From packed to on its way.
        depart_after_ms: i64,
        /// From on its way to arrived.
        complete_after_ms: i64,
    },
    /// Not at all: people do, through the API.
    Manual,
}

/// What a courier hears: only events of its own context.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum CourierHeard {
    #[starts]
    Prepared(DeliveryPrepared),
    Departed(DeliveryDeparted),
    Completed(DeliveryCompleted),
    Failed(DeliveryFailed),
    /// Before it was packed, too: then it ends at once, and nobody waits for one.
    #[starts]
    Cancelled(DeliveryCancelled),
}

/// What a courier asks for.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum CourierCommand {
    Depart(Depart),
    Complete(CompleteDelivery),
}

/// What a courier remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CourierState {
    order: OrderId,
}

impl Default for Courier {
    fn default() -> Self {
        Self::Auto { depart_after_ms: 1_000, complete_after_ms: 1_000 }
    }
}

impl Process for Courier {
    const NAME: &'static str = "courier";
    type Heard = CourierHeard;
    type State = CourierState;
    type Command = CourierCommand;

    fn evolve(state: &mut CourierState, input: &Input<'_, CourierHeard>) {
        if let Input::Heard(CourierHeard::Prepared(e)) = input {
            state.order = e.order.clone();
        }
    }

    fn react(&self, state: &CourierState, input: &Input<'_, CourierHeard>, ctx: &Ctx) -> Vec<Effect<CourierCommand>> {
        let order = state.order.clone();
        match input {
            Input::Heard(CourierHeard::Prepared(_)) => self.wait(DEPART, ctx),
            Input::Heard(CourierHeard::Departed(_)) => {
                [vec![Effect::CancelWake(DEPART)], self.wait(COMPLETE, ctx)].concat()
            }
            Input::Heard(CourierHeard::Completed(_) | CourierHeard::Failed(_) | CourierHeard::Cancelled(_)) => {
                vec![Effect::CancelWake(DEPART), Effect::CancelWake(COMPLETE), Effect::Done]
            }
            Input::Woke { name: DEPART } => vec![Effect::Send(Depart { order }.into())],
            Input::Woke { .. } => vec![Effect::Send(CompleteDelivery { order }.into())],
            // Somebody was faster through the API, or the customer called it back: its event says what next.
            Input::Refused { .. } => Vec::new(),
        }
    }
}

impl Courier {
    fn wait(&self, name: &'static str, ctx: &Ctx) -> Vec<Effect<CourierCommand>> {
        match *self {
            Self::Auto { depart_after_ms, .. } if name == DEPART => {
                vec![Effect::Wake { name, at_ms: ctx.now_ms.saturating_add(depart_after_ms) }]
            }
            Self::Auto { complete_after_ms, .. } => {
                vec![Effect::Wake { name, at_ms: ctx.now_ms.saturating_add(complete_after_ms) }]
            }
            Self::Manual => Vec::new(),
        }
    }
}
