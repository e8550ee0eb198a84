//! The contexts have come to agree.

use bongsu_core::{Ctx, message};

use crate::{
    events::{InspectionEvent, OrderFoundConsistent},
    inspection::{InspectionRejection, InspectionState},
};

/// Settle what was reported of an order.
#[message("inspection.settle", version = 1, key = order)]
pub struct Settle {
    /// Which order.
    pub order: String,
}

pub(crate) fn decide(
    state: &InspectionState,
    settle: Settle,
    ctx: &Ctx,
) -> Result<Vec<InspectionEvent>, InspectionRejection> {
    let wrong = state.wrong.as_ref().ok_or(InspectionRejection::NothingToSettle)?;
    Ok(vec![OrderFoundConsistent { order: settle.order, since_ms: wrong.since_ms, at_ms: ctx.now_ms }.into()])
}
