//! The order ended: never capture, or give back what was captured.

use bongsu_core::version;
use serde::{Deserialize, Serialize};

use crate::{
    events::{OrderEnded, PaymentEvent, RefundRequested},
    payment::{Charge, PaymentRejection, PaymentState},
};

/// Remember that an order was rejected or cancelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RememberEnd {
    /// Which order.
    pub order: String,
}
version!(RememberEnd, "payment.remember-end", 1);

/// A capture on its way is neither stopped nor forgotten: when its outcome is known, it is refunded.
pub(crate) fn decide(state: &PaymentState, remember: RememberEnd) -> Result<Vec<PaymentEvent>, PaymentRejection> {
    if state.ended {
        return Err(PaymentRejection::AlreadyKnown);
    }
    let order = remember.order;
    let ended = OrderEnded { order: order.clone() }.into();
    Ok(match &state.charge {
        Charge::Captured { capture, .. } => {
            vec![ended, RefundRequested { order, capture: capture.clone() }.into()]
        }
        Charge::None | Charge::Requested | Charge::Forgone | Charge::Declined { .. } => vec![ended],
        Charge::RefundRequested { .. } | Charge::Refunded { .. } => vec![ended],
    })
}
