//! The provider gave the money back.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    events::{PaymentEvent, PaymentRefunded},
    payment::{Charge, PaymentRejection, PaymentState},
};

/// Record that the provider gave the money back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordRefund {
    /// For which order.
    pub order: String,
    /// The provider's name for the refund.
    pub refund: String,
}
version!(RecordRefund, "payment.record-refund", 1);

pub(crate) fn decide(
    state: &PaymentState,
    record: RecordRefund,
    ctx: &Ctx,
) -> Result<Vec<PaymentEvent>, PaymentRejection> {
    let RecordRefund { order, refund } = record;
    match &state.charge {
        Charge::RefundRequested { amount, .. } => {
            Ok(vec![PaymentRefunded { order, amount: *amount, refund, at_ms: ctx.now_ms }.into()])
        }
        Charge::Refunded { .. } => Err(PaymentRejection::AlreadyRecorded),
        Charge::None | Charge::Requested | Charge::Forgone | Charge::Declined { .. } | Charge::Captured { .. } => {
            Err(PaymentRejection::NotRequested)
        }
    }
}
