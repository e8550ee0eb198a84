//! The customer wants out. A pending order is cancelled at once; for a confirmed one delivery is asked.

use bongsu_core::{Ctx, message};

use crate::{
    events::{CancellationRequested, CancelledWhy, OrderCancelled, OrderEvent},
    ids::{CustomerId, OrderId},
    order_state::{Cancellation, OrderRejection, OrderState, Phase},
};

/// Cancel an order.
#[message("order.cancel", version = 1, key = order)]
pub struct CancelOrder {
    /// Which.
    pub order: OrderId,
    /// Who asks; only its owner may.
    pub customer: CustomerId,
}

/// Somebody else's order is answered as if there were none: the answer must not tell that it exists.
pub(crate) fn decide(state: &OrderState, cancel: CancelOrder, ctx: &Ctx) -> Result<Vec<OrderEvent>, OrderRejection> {
    let CancelOrder { order, customer } = cancel;
    if state.placed.as_ref().is_none_or(|placed| placed.customer != customer) {
        return Err(OrderRejection::NoSuchOrder);
    }
    let at_ms = ctx.now_ms;
    match state.phase {
        Phase::Pending => Ok(vec![OrderCancelled { order, why: CancelledWhy::Customer, at_ms }.into()]),
        Phase::Confirmed { cancellation: Cancellation::None } => {
            Ok(vec![CancellationRequested { order, at_ms }.into()])
        }
        Phase::Confirmed { cancellation: Cancellation::Requested } => Err(OrderRejection::CancellationPending),
        Phase::Confirmed { cancellation: Cancellation::Refused } => Err(OrderRejection::OnItsWay),
        Phase::Unknown => Err(OrderRejection::NoSuchOrder),
        Phase::Rejected { .. } | Phase::Cancelled { .. } | Phase::Completed => Err(OrderRejection::AlreadyEnded),
    }
}
