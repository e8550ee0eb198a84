//! The rules: a parcel is prepared, departs and arrives, or does not. Pure.

use bongsu_core::{Aggregate, Ctx, Decider, Messages, id, message};
use serde::{Deserialize, Serialize};

#[id]
#[derive(Default)]
pub struct OrderId(String);
#[id]
pub struct CustomerId(String);
#[id]
pub struct Sku(String);

/// Decides over the delivery of one order; id = order id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deliveries;

/// The longest reason of a failure, in characters.
pub const LONGEST_WHY: usize = 200;

/// What is known of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeliveryState {
    /// What goes where; `None` before it was prepared.
    pub parcel: Option<Parcel>,
    pub phase: Phase,
}

/// What goes where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Who is to get it; of what was packed before this was remembered, nobody knows.
    pub customer: Option<CustomerId>,
    /// Where it goes, as ordering told it: sealed.
    pub address: String,
    pub items: Vec<Item>,
}

/// One kind of thing in a parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub sku: Sku,
    /// Its name when it was ordered.
    pub name: String,
    pub quantity: u32,
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

/// What may be asked of a delivery.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum DeliveryCommand {
    Prepare(PrepareDelivery),
    Depart(Depart),
    Complete(CompleteDelivery),
    Fail(FailDelivery),
    Cancel(CancelDelivery),
}

/// Pack a parcel.
#[message("delivery.prepare", version = 1, key = order)]
pub struct PrepareDelivery {
    pub order: OrderId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    pub address: String,
    pub items: Vec<Item>,
}

/// Let a packed parcel leave; from then on it cannot be called back.
#[message("delivery.depart", version = 1, key = order)]
pub struct Depart {
    pub order: OrderId,
}

/// Hand over a parcel that is on its way.
#[message("delivery.complete", version = 1, key = order)]
pub struct CompleteDelivery {
    pub order: OrderId,
}

/// Give up a parcel, packed or on its way: it is lost, damaged or not accepted.
#[message("delivery.fail", version = 1, key = order)]
pub struct FailDelivery {
    pub order: OrderId,
    /// In the courier's words.
    pub why: String,
}

/// Call a parcel back: the customer wants the order back.
#[message("delivery.cancel", version = 1, key = order)]
pub struct CancelDelivery {
    pub order: OrderId,
}

/// Why a delivery did not change.
#[message("delivery.rejection", version = 1)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum DeliveryRejection {
    NoSuchDelivery,
    /// It was packed before.
    AlreadyPrepared,
    /// It was called back.
    AlreadyCancelled,
    /// It is on its way, or was.
    AlreadyDeparted,
    /// It has not left yet.
    NotDeparted,
    AlreadyEnded,
    /// A failure without a reason, or with one that fills a page; the longest, in characters.
    Why {
        longest: usize,
    },
}

/// What happens to a delivery. Private: the map says what others may hear.
///
/// Every event names its order, because the courier hears them by their content alone.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum DeliveryEvent {
    Prepared(DeliveryPrepared),
    Departed(DeliveryDeparted),
    Completed(DeliveryCompleted),
    Failed(DeliveryFailed),
    Cancelled(DeliveryCancelled),
}

/// The parcel is packed (배송 준비됨).
#[message("delivery.prepared", version = 1, key = order)]
pub struct DeliveryPrepared {
    pub order: OrderId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    pub address: String,
    pub items: Vec<Item>,
    pub at_ms: i64,
}

/// The parcel left (배송 출발함).
#[message("delivery.departed", version = 1, key = order)]
pub struct DeliveryDeparted {
    pub order: OrderId,
    pub at_ms: i64,
}

/// The parcel arrived (배송 완료됨).
#[message("delivery.completed", version = 1, key = order)]
pub struct DeliveryCompleted {
    pub order: OrderId,
    pub at_ms: i64,
}

/// The parcel could not be delivered (배송 처리 실패).
#[message("delivery.failed", version = 1, key = order)]
pub struct DeliveryFailed {
    pub order: OrderId,
    /// In the courier's words.
    pub why: String,
    pub at_ms: i64,
}

/// The parcel never left, and will not.
#[message("delivery.cancelled", version = 1, key = order)]
pub struct DeliveryCancelled {
    pub order: OrderId,
    pub at_ms: i64,
}

impl Aggregate for Deliveries {
    const NAME: &'static str = "delivery";
    type Event = DeliveryEvent;
    type State = DeliveryState;

    fn evolve(state: &mut DeliveryState, event: &DeliveryEvent) {
        state.phase = match event {
            DeliveryEvent::Prepared(e) => {
                let DeliveryPrepared { customer, address, items, .. } = e.clone();
                state.parcel = Some(Parcel { customer, address, items });
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

    fn decide(
        &self,
        state: &DeliveryState,
        command: DeliveryCommand,
        ctx: &Ctx,
    ) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
        let at_ms = ctx.now_ms;
        let event = match command {
            DeliveryCommand::Prepare(c) => prepare(state.phase, c, at_ms)?.into(),
            DeliveryCommand::Depart(c) => depart(state.phase, c, at_ms)?.into(),
            DeliveryCommand::Complete(c) => complete(state.phase, c, at_ms)?.into(),
            DeliveryCommand::Fail(c) => fail(state.phase, c, at_ms)?.into(),
            DeliveryCommand::Cancel(c) => cancel(state.phase, c, at_ms)?.into(),
        };
        Ok(vec![event])
    }
}

fn prepare(phase: Phase, command: PrepareDelivery, at_ms: i64) -> Result<DeliveryPrepared, DeliveryRejection> {
    let PrepareDelivery { order, customer, address, items } = command;
    match phase {
        Phase::Unknown => Ok(DeliveryPrepared { order, customer, address, items, at_ms }),
        Phase::Cancelled => Err(DeliveryRejection::AlreadyCancelled),
        Phase::Prepared | Phase::Departed | Phase::Completed | Phase::Failed => Err(DeliveryRejection::AlreadyPrepared),
    }
}

fn depart(phase: Phase, command: Depart, at_ms: i64) -> Result<DeliveryDeparted, DeliveryRejection> {
    match phase {
        Phase::Prepared => Ok(DeliveryDeparted { order: command.order, at_ms }),
        Phase::Unknown => Err(DeliveryRejection::NoSuchDelivery),
        Phase::Departed => Err(DeliveryRejection::AlreadyDeparted),
        Phase::Cancelled => Err(DeliveryRejection::AlreadyCancelled),
        Phase::Completed | Phase::Failed => Err(DeliveryRejection::AlreadyEnded),
    }
}

fn complete(phase: Phase, command: CompleteDelivery, at_ms: i64) -> Result<DeliveryCompleted, DeliveryRejection> {
    match phase {
        Phase::Departed => Ok(DeliveryCompleted { order: command.order, at_ms }),
        Phase::Unknown => Err(DeliveryRejection::NoSuchDelivery),
        Phase::Prepared => Err(DeliveryRejection::NotDeparted),
        Phase::Cancelled => Err(DeliveryRejection::AlreadyCancelled),
        Phase::Completed | Phase::Failed => Err(DeliveryRejection::AlreadyEnded),
    }
}

fn fail(phase: Phase, command: FailDelivery, at_ms: i64) -> Result<DeliveryFailed, DeliveryRejection> {
    let FailDelivery { order, why } = command;
    if why.trim().is_empty() || why.chars().count() > LONGEST_WHY || why.contains(char::is_control) {
        return Err(DeliveryRejection::Why { longest: LONGEST_WHY });
    }
    match phase {
        Phase::Prepared | Phase::Departed => Ok(DeliveryFailed { order, why, at_ms }),
        Phase::Unknown => Err(DeliveryRejection::NoSuchDelivery),
        Phase::Cancelled => Err(DeliveryRejection::AlreadyCancelled),
        Phase::Completed | Phase::Failed => Err(DeliveryRejection::AlreadyEnded),
    }
}

/// Granted until the parcel leaves. Called back before it was packed, the delivery is cancelled all the same: that is the
/// answer ordering waits for, and the packing that comes later is refused.
fn cancel(phase: Phase, command: CancelDelivery, at_ms: i64) -> Result<DeliveryCancelled, DeliveryRejection> {
    match phase {
        Phase::Unknown | Phase::Prepared => Ok(DeliveryCancelled { order: command.order, at_ms }),
        Phase::Departed => Err(DeliveryRejection::AlreadyDeparted),
        Phase::Cancelled => Err(DeliveryRejection::AlreadyCancelled),
        Phase::Completed | Phase::Failed => Err(DeliveryRejection::AlreadyEnded),
    }
}
