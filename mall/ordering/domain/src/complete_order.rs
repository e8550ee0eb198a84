//! It was delivered. An ended order stays ended, whatever delivery says later.

use bongsu_core::{Ctx, message};

use crate::{
    events::{CancellationRefused, OrderCompleted, OrderEvent},
    ids::OrderId,
    order_state::{Cancellation, OrderRejection, OrderState, Phase},
};

/// Complete a confirmed order.
#[message("order.complete", version = 1, key = order)]
pub struct CompleteOrder {
    /// Which.
    pub order: OrderId,
}

/// A cancellation nobody answered is answered now: what was delivered cannot be called back.
pub(crate) fn decide(
    state: &OrderState,
    complete: CompleteOrder,
    ctx: &Ctx,
) -> Result<Vec<OrderEvent>, OrderRejection> {
    let order = complete.order;
    let at_ms = ctx.now_ms;
    match state.phase {
        Phase::Confirmed { cancellation: Cancellation::Requested } => {
            let refused = CancellationRefused { order: order.clone(), at_ms };
            Ok(vec![refused.into(), OrderCompleted { order, at_ms }.into()])
        }
        Phase::Confirmed { .. } => Ok(vec![OrderCompleted { order, at_ms }.into()]),
        Phase::Unknown => Err(OrderRejection::NoSuchOrder),
        Phase::Pending => Err(OrderRejection::NotConfirmed),
        Phase::Rejected { .. } | Phase::Cancelled { .. } | Phase::Completed => Err(OrderRejection::AlreadyEnded),
    }
}
