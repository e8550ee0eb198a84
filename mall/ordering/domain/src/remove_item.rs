//! A customer takes something out of the cart.

use bongsu_core::{Ctx, message};

use crate::{
    cart_events::{CartEvent, ItemRemoved},
    cart_state::{CartRejection, CartState, SeenLine},
    ids::{CustomerId, Sku},
};

/// Take a product out of the cart.
#[message("cart.remove-item", version = 1, key = customer)]
pub struct RemoveItem {
    /// Whose cart.
    pub customer: CustomerId,
    /// Which product.
    pub sku: Sku,
    /// The line as the customer saw it; `None` to remove whatever is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenLine>,
}

pub(crate) fn decide(state: &CartState, remove: RemoveItem, ctx: &Ctx) -> Result<Vec<CartEvent>, CartRejection> {
    let RemoveItem { sku, seen, .. } = remove;
    match (&state.open, state.pieces(&sku)) {
        (None, _) => Err(CartRejection::NoCart),
        (Some(_), None) => Err(CartRejection::NotInCart { sku }),
        (Some(_), Some(_)) if seen.is_some() && seen != state.seen(&sku) => Err(CartRejection::Moved { sku }),
        (Some(_), Some(_)) => Ok(vec![ItemRemoved { sku, at_ms: ctx.now_ms }.into()]),
    }
}
