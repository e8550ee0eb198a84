//! The parcel arrives.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{DeliveryRejection, DeliveryState, Phase},
    events::{DeliveryCompleted, DeliveryEvent},
};

/// Hand over a parcel that is on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompleteDelivery {
    /// Of which order.
    pub order: String,
}
version!(CompleteDelivery, "delivery.complete", 1);

pub(crate) fn decide(
    state: &DeliveryState,
    complete: CompleteDelivery,
    ctx: &Ctx,
) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
    match state.phase {
        Phase::Departed => Ok(vec![DeliveryCompleted { order: complete.order, at_ms: ctx.now_ms }.into()]),
        Phase::Unknown => Err(DeliveryRejection::NoSuchDelivery),
        Phase::Prepared => Err(DeliveryRejection::NotDeparted),
        Phase::Cancelled => Err(DeliveryRejection::AlreadyCancelled),
        Phase::Completed | Phase::Failed => Err(DeliveryRejection::AlreadyEnded),
    }
}
