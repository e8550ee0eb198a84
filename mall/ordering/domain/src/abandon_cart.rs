//! A visitor does not come back: his cart goes when nothing was done with it for a week.

use bongsu_core::{Ctx, message};

use crate::{
    cart_events::{CartAbandoned, CartEvent},
    cart_state::{CartRejection, CartState},
    ids::{CartId, CustomerId},
};

/// So long a visitor's cart is kept after something was last done with it, in milliseconds: seven days.
pub const GUEST_MS: i64 = 604_800_000;

/// Give up a visitor's cart.
#[message("cart.abandon", version = 1, key = customer)]
pub struct AbandonCart {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub cart: CartId,
}

pub(crate) fn decide(state: &CartState, abandon: AbandonCart, ctx: &Ctx) -> Result<Vec<CartEvent>, CartRejection> {
    let AbandonCart { customer, cart } = abandon;
    if !customer.is_visitor() {
        return Err(CartRejection::NotAGuests);
    }
    let open = state.open.as_ref().filter(|open| open.cart == cart).ok_or(CartRejection::NoCart)?;
    let until_ms = open.touched_ms.saturating_add(GUEST_MS);
    match ctx.now_ms >= until_ms {
        true => Ok(vec![CartAbandoned { cart, at_ms: ctx.now_ms }.into()]),
        false => Err(CartRejection::StillUsed { until_ms }),
    }
}
