//! A confirmed order that will not be delivered ends cancelled; money and stock follow that end.

use bongsu_core::{Ctx, message};

use crate::{
    events::{CancelledWhy, OrderCancelled, OrderEvent},
    ids::OrderId,
    order_state::{OrderRejection, OrderState, Phase},
};

/// Cancel a confirmed order that delivery gave up.
#[message("order.cancel-undelivered", version = 1, key = order)]
pub struct CancelUndelivered {
    /// Which.
    pub order: OrderId,
    /// Why delivery gave it up.
    pub why: CancelledWhy,
}

pub(crate) fn decide(
    state: &OrderState,
    cancel: CancelUndelivered,
    ctx: &Ctx,
) -> Result<Vec<OrderEvent>, OrderRejection> {
    match state.phase {
        Phase::Confirmed { .. } => {
            Ok(vec![OrderCancelled { order: cancel.order, why: cancel.why, at_ms: ctx.now_ms }.into()])
        }
        Phase::Unknown => Err(OrderRejection::NoSuchOrder),
        Phase::Pending => Err(OrderRejection::NotConfirmed),
        Phase::Rejected { .. } | Phase::Cancelled { .. } | Phase::Completed => Err(OrderRejection::AlreadyEnded),
    }
}
