//! A pending order ends: out of stock, declined, or too late. Never over a confirmed one.

use bongsu_core::{Ctx, message};

use crate::{
    events::{OrderEvent, OrderRejected, RejectedWhy, Shortage},
    ids::OrderId,
    order_state::{OrderRejection, OrderState, Phase},
};

/// Reject a pending order.
#[message("order.reject", version = 1, key = order)]
pub struct RejectOrder {
    /// Which.
    pub order: OrderId,
    /// Why.
    pub why: RejectedWhy,
    /// The lines that fell short, when that is why.
    pub short: Vec<Shortage>,
}

pub(crate) fn decide(state: &OrderState, reject: RejectOrder, ctx: &Ctx) -> Result<Vec<OrderEvent>, OrderRejection> {
    let RejectOrder { order, why, short } = reject;
    match state.phase {
        Phase::Pending => Ok(vec![OrderRejected { order, why, short, at_ms: ctx.now_ms }.into()]),
        Phase::Unknown => Err(OrderRejection::NoSuchOrder),
        Phase::Confirmed { .. } | Phase::Rejected { .. } | Phase::Cancelled { .. } | Phase::Completed => {
            Err(OrderRejection::NotPending)
        }
    }
}
