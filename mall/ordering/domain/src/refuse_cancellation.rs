//! Delivery has departed: the customer cannot have the order back.

use bongsu_core::{Ctx, message};

use crate::{
    events::{CancellationRefused, OrderEvent},
    ids::OrderId,
    order_state::{Cancellation, OrderRejection, OrderState, Phase},
};

/// Refuse a requested cancellation.
#[message("order.refuse-cancellation", version = 1, key = order)]
pub struct RefuseCancellation {
    /// Of which order.
    pub order: OrderId,
}

pub(crate) fn decide(
    state: &OrderState,
    refuse: RefuseCancellation,
    ctx: &Ctx,
) -> Result<Vec<OrderEvent>, OrderRejection> {
    match state.phase {
        Phase::Confirmed { cancellation: Cancellation::Requested } => {
            Ok(vec![CancellationRefused { order: refuse.order, at_ms: ctx.now_ms }.into()])
        }
        Phase::Confirmed { cancellation: Cancellation::None | Cancellation::Refused } => {
            Err(OrderRejection::NoCancellation)
        }
        Phase::Unknown => Err(OrderRejection::NoSuchOrder),
        Phase::Pending | Phase::Rejected { .. } | Phase::Cancelled { .. } | Phase::Completed => {
            Err(OrderRejection::NotConfirmed)
        }
    }
}
