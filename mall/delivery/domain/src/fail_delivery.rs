//! The parcel is lost, damaged or not accepted.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{DeliveryRejection, DeliveryState, Phase},
    events::{DeliveryEvent, DeliveryFailed},
};

/// Give up a parcel, packed or on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailDelivery {
    /// Of which order.
    pub order: String,
    /// In the courier's words.
    pub why: String,
}
version!(FailDelivery, "delivery.fail", 1);

/// The longest reason, in characters.
pub const LONGEST_WHY: usize = 200;

pub(crate) fn decide(
    state: &DeliveryState,
    fail: FailDelivery,
    ctx: &Ctx,
) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
    let FailDelivery { order, why } = fail;
    if why.trim().is_empty() || why.chars().count() > LONGEST_WHY || why.contains(char::is_control) {
        return Err(DeliveryRejection::Why { longest: LONGEST_WHY });
    }
    match state.phase {
        Phase::Prepared | Phase::Departed => Ok(vec![DeliveryFailed { order, why, at_ms: ctx.now_ms }.into()]),
        Phase::Unknown => Err(DeliveryRejection::NoSuchDelivery),
        Phase::Cancelled => Err(DeliveryRejection::AlreadyCancelled),
        Phase::Completed | Phase::Failed => Err(DeliveryRejection::AlreadyEnded),
    }
}
