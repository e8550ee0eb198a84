//! The provider's answer to a capture is known.

use bongsu_core::{Ctx, version};
use money::Money;
use serde::{Deserialize, Serialize};

use crate::{
    events::{PaymentCaptured, PaymentDeclined, PaymentEvent, RefundRequested},
    payment::{Charge, PaymentRejection, PaymentState},
};

/// Record what the provider did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordCapture {
    /// For which order.
    pub order: String,
    /// What it did.
    pub outcome: CaptureOutcome,
}
version!(RecordCapture, "payment.record-capture", 1);

/// What the provider did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum CaptureOutcome {
    /// It took the money.
    Captured {
        /// The provider's name for it.
        capture: String,
        /// How much.
        amount: Money,
    },
    /// It refused.
    Declined {
        /// In its words.
        reason: String,
    },
}

/// Money taken after the end goes back in the same breath: no moment in which it is merely kept.
pub(crate) fn decide(
    state: &PaymentState,
    record: RecordCapture,
    ctx: &Ctx,
) -> Result<Vec<PaymentEvent>, PaymentRejection> {
    let RecordCapture { order, outcome } = record;
    let at_ms = ctx.now_ms;
    match state.charge {
        Charge::Requested => {}
        Charge::None | Charge::Forgone => return Err(PaymentRejection::NotRequested),
        Charge::Declined { .. }
        | Charge::Captured { .. }
        | Charge::RefundRequested { .. }
        | Charge::Refunded { .. } => {
            return Err(PaymentRejection::AlreadyRecorded);
        }
    }
    Ok(match outcome {
        CaptureOutcome::Declined { reason } => vec![PaymentDeclined { order, reason, at_ms }.into()],
        CaptureOutcome::Captured { capture, amount } => {
            let refund = state.ended.then(|| RefundRequested { order: order.clone(), capture: capture.clone() }.into());
            let captured = PaymentCaptured { order, amount, capture, at_ms };
            [captured.into()].into_iter().chain(refund).collect()
        }
    })
}
