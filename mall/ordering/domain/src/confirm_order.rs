//! Stock is held and money is taken: the order stands.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    events::{OrderConfirmed, OrderEvent},
    order::{OrderRejection, OrderState, Phase},
};

/// Confirm a pending order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfirmOrder {
    /// Which.
    pub order: String,
}
version!(ConfirmOrder, "order.confirm", 1);

pub(crate) fn decide(state: &OrderState, confirm: ConfirmOrder, ctx: &Ctx) -> Result<Vec<OrderEvent>, OrderRejection> {
    match state.phase {
        Phase::Pending => Ok(vec![OrderConfirmed { order: confirm.order, at_ms: ctx.now_ms }.into()]),
        Phase::Unknown => Err(OrderRejection::NoSuchOrder),
        Phase::Confirmed { .. } | Phase::Rejected { .. } | Phase::Cancelled { .. } | Phase::Completed => {
            Err(OrderRejection::NotPending)
        }
    }
}
