//! The delivery of one order: its states, and which command meets which use case.

use bongsu_core::{Aggregate, Ctx, Decider, version, wire};
use serde::{Deserialize, Serialize};

use crate::{
    cancel_delivery::{self, CancelDelivery},
    complete_delivery::{self, CompleteDelivery},
    depart::{self, Depart},
    events::{DeliveryEvent, Item},
    fail_delivery::{self, FailDelivery},
    prepare_delivery::{self, PrepareDelivery},
};

/// Decides over the delivery of one order; id = order id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deliveries;

/// What is known of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeliveryState {
    /// What goes where; `None` before it was prepared.
    pub parcel: Option<Parcel>,
    /// How far it is.
    pub phase: Phase,
}

/// What goes where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Where it goes.
    pub address: String,
    /// What is in it.
    pub items: Vec<Item>,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Never heard of.
    #[default]
    Unknown,
    /// Packed; can still be called back.
    Prepared,
    /// On its way; cannot be called back.
    Departed,
    /// Arrived.
    Completed,
    /// Lost, damaged or not accepted.
    Failed,
    /// Called back in time, or before it was packed.
    Cancelled,
}

wire! {
    /// What may be asked of a delivery.
    pub enum DeliveryCommand {
        Prepare(PrepareDelivery),
        Depart(Depart),
        Complete(CompleteDelivery),
        Fail(FailDelivery),
        Cancel(CancelDelivery),
    }
}

/// Why a delivery did not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum DeliveryRejection {
    /// There is no such delivery.
    NoSuchDelivery,
    /// It was packed before.
    AlreadyPrepared,
    /// It was called back.
    AlreadyCancelled,
    /// It is on its way, or was.
    AlreadyDeparted,
    /// It has not left yet.
    NotDeparted,
    /// It has ended.
    AlreadyEnded,
    /// A failure without a reason, or with one that fills a page.
    Why {
        /// The longest, in characters.
        longest: usize,
    },
}
version!(DeliveryRejection, "delivery.rejection", 1);

impl Aggregate for Deliveries {
    const NAME: &'static str = "delivery";
    type Event = DeliveryEvent;
    type State = DeliveryState;

    fn evolve(state: &mut DeliveryState, event: &DeliveryEvent) {
        state.phase = match event {
            DeliveryEvent::Prepared(e) => {
                state.parcel = Some(Parcel { address: e.address.clone(), items: e.items.clone() });
                Phase::Prepared
            }
            DeliveryEvent::Departed(_) => Phase::Departed,
            DeliveryEvent::Completed(_) => Phase::Completed,
            DeliveryEvent::Failed(_) => Phase::Failed,
            DeliveryEvent::Cancelled(_) => Phase::Cancelled,
        };
    }
}

impl Decider for Deliveries {
    type Command = DeliveryCommand;
    type Rejection = DeliveryRejection;

    fn target(&self, command: &DeliveryCommand, _: &Ctx) -> String {
        match command {
            DeliveryCommand::Prepare(c) => c.order.clone(),
            DeliveryCommand::Depart(c) => c.order.clone(),
            DeliveryCommand::Complete(c) => c.order.clone(),
            DeliveryCommand::Fail(c) => c.order.clone(),
            DeliveryCommand::Cancel(c) => c.order.clone(),
        }
    }

    fn decide(
        &self,
        state: &DeliveryState,
        command: DeliveryCommand,
        ctx: &Ctx,
    ) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
        match command {
            DeliveryCommand::Prepare(c) => prepare_delivery::decide(state, c, ctx),
            DeliveryCommand::Depart(c) => depart::decide(state, c, ctx),
            DeliveryCommand::Complete(c) => complete_delivery::decide(state, c, ctx),
            DeliveryCommand::Fail(c) => fail_delivery::decide(state, c, ctx),
            DeliveryCommand::Cancel(c) => cancel_delivery::decide(state, c, ctx),
        }
    }
}
