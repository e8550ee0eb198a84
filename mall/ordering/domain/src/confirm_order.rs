//! Stock is held and money is taken: the order stands.

use bongsu_core::{Ctx, message};

use crate::{
    events::{OrderConfirmed, OrderEvent},
    ids::OrderId,
    order_state::{OrderRejection, OrderState, Phase},
};

/// Confirm a pending order.
#[message("order.confirm", version = 1, key = order)]
pub struct ConfirmOrder {
    /// Which.
    pub order: OrderId,
}

pub(crate) fn decide(state: &OrderState, confirm: ConfirmOrder, ctx: &Ctx) -> Result<Vec<OrderEvent>, OrderRejection> {
    match state.phase {
        Phase::Pending => Ok(vec![OrderConfirmed { order: confirm.order, at_ms: ctx.now_ms }.into()]),
        Phase::Unknown => Err(OrderRejection::NoSuchOrder),
        Phase::Confirmed { .. } | Phase::Rejected { .. } | Phase::Cancelled { .. } | Phase::Completed => {
            Err(OrderRejection::NotPending)
        }
    }
}
