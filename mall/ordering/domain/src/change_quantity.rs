//! A customer wants more or fewer of something in the cart. To have none of it is to remove it.

use bongsu_core::{Ctx, message};

use crate::{
    cart_events::{CartEvent, QuantityChanged},
    cart_state::{CartRejection, CartState, SeenLine, fits},
    ids::{CustomerId, Sku},
};

/// Have so many pieces of a product in the cart.
#[message("cart.change-quantity", version = 1, key = customer)]
pub struct ChangeQuantity {
    /// Whose cart.
    pub customer: CustomerId,
    /// Which product.
    pub sku: Sku,
    /// How many in all.
    pub quantity: u32,
    /// The line as the customer saw it; `None` to change whatever is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenLine>,
}

/// The quantity it has already is accepted and changes nothing, also when it was seen with another: it may be the
/// same request that comes again.
pub(crate) fn decide(state: &CartState, change: ChangeQuantity, ctx: &Ctx) -> Result<Vec<CartEvent>, CartRejection> {
    let ChangeQuantity { sku, quantity, seen, .. } = change;
    fits(u64::from(quantity))?;
    if state.open.is_none() {
        return Err(CartRejection::NoCart);
    }
    match state.pieces(&sku) {
        None => Err(CartRejection::NotInCart { sku }),
        Some(there) if there == quantity => Ok(vec![]),
        Some(_) if seen.is_some() && seen != state.seen(&sku) => Err(CartRejection::Moved { sku }),
        Some(_) => Ok(vec![QuantityChanged { sku, quantity, at_ms: ctx.now_ms }.into()]),
    }
}
