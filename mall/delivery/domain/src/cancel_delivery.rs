//! The customer wants the order back: granted until the parcel leaves.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{DeliveryRejection, DeliveryState, Phase},
    events::{DeliveryCancelled, DeliveryEvent},
};

/// Call a parcel back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancelDelivery {
    /// Of which order.
    pub order: String,
}
version!(CancelDelivery, "delivery.cancel", 1);

/// Called back before it was packed, the delivery is cancelled all the same: that is the answer ordering
/// waits for, and the packing that comes later is refused.
pub(crate) fn decide(
    state: &DeliveryState,
    cancel: CancelDelivery,
    ctx: &Ctx,
) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
    match state.phase {
        Phase::Unknown | Phase::Prepared => {
            Ok(vec![DeliveryCancelled { order: cancel.order, at_ms: ctx.now_ms }.into()])
        }
        Phase::Departed => Err(DeliveryRejection::AlreadyDeparted),
        Phase::Cancelled => Err(DeliveryRejection::AlreadyCancelled),
        Phase::Completed | Phase::Failed => Err(DeliveryRejection::AlreadyEnded),
    }
}
