//! An order is heard of for the first time.

use bongsu_core::{Ctx, message};

use crate::{
    events::{InspectionEvent, OrderTakenUp},
    inspection::{InspectionRejection, InspectionState},
};

/// Take up the inspection of an order.
#[message("inspection.take-up", version = 1, key = order)]
pub struct TakeUp {
    /// Which order.
    pub order: String,
}

pub(crate) fn decide(
    state: &InspectionState,
    take_up: TakeUp,
    ctx: &Ctx,
) -> Result<Vec<InspectionEvent>, InspectionRejection> {
    if state.taken_up {
        return Err(InspectionRejection::AlreadyTakenUp);
    }
    Ok(vec![OrderTakenUp { order: take_up.order, at_ms: ctx.now_ms }.into()])
}
