//! The parcel leaves; from now on it cannot be called back.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{DeliveryRejection, DeliveryState, Phase},
    events::{DeliveryDeparted, DeliveryEvent},
};

/// Let a packed parcel leave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Depart {
    /// Of which order.
    pub order: String,
}
version!(Depart, "delivery.depart", 1);

pub(crate) fn decide(
    state: &DeliveryState,
    depart: Depart,
    ctx: &Ctx,
) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
    match state.phase {
        Phase::Prepared => Ok(vec![DeliveryDeparted { order: depart.order, at_ms: ctx.now_ms }.into()]),
        Phase::Unknown => Err(DeliveryRejection::NoSuchDelivery),
        Phase::Departed => Err(DeliveryRejection::AlreadyDeparted),
        Phase::Cancelled => Err(DeliveryRejection::AlreadyCancelled),
        Phase::Completed | Phase::Failed => Err(DeliveryRejection::AlreadyEnded),
    }
}
