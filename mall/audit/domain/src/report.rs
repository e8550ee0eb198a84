//! An order has been inconsistent for longer than facts travel.

use bongsu_core::{Ctx, message};

use crate::{
    events::{InspectionEvent, OrderFoundInconsistent},
    inspection::{InspectionRejection, InspectionState},
    rules::Finding,
};

/// Report what is wrong with an order.
#[message("inspection.report", version = 1, key = order)]
pub struct Report {
    /// Which order.
    pub order: String,
    /// Every rule it breaks.
    pub findings: Vec<Finding>,
    /// Since when it breaks some, milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// Other findings than before are told, too; they are part of the same disagreement, which began when it began.
pub(crate) fn decide(
    state: &InspectionState,
    report: Report,
    ctx: &Ctx,
) -> Result<Vec<InspectionEvent>, InspectionRejection> {
    let Report { order, findings, since_ms } = report;
    if findings.is_empty() {
        return Err(InspectionRejection::NothingFound);
    }
    match &state.wrong {
        Some(known) if known.findings == findings => Err(InspectionRejection::AlreadyReported),
        known => {
            let since_ms = known.as_ref().map_or(since_ms, |known| known.since_ms);
            Ok(vec![OrderFoundInconsistent { order, findings, since_ms, at_ms: ctx.now_ms }.into()])
        }
    }
}
