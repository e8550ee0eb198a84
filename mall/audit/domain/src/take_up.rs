//! An order is heard of for the first time.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    events::{InspectionEvent, OrderTakenUp},
    inspection::{InspectionRejection, InspectionState},
};

/// Take up the inspection of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeUp {
    /// Which order.
    pub order: String,
}
version!(TakeUp, "inspection.take-up", 1);

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
