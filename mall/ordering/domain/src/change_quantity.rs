//! A customer wants more or fewer of something in the cart. To have none of it is to remove it.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    cart::{CartRejection, CartState, fits},
    cart_events::{CartEvent, QuantityChanged},
};

/// Have so many pieces of a product in the cart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeQuantity {
    /// Whose cart.
    pub customer: String,
    /// Which product.
    pub sku: String,
    /// How many in all.
    pub quantity: u32,
}
version!(ChangeQuantity, "cart.change-quantity", 1);

/// The quantity it has already is accepted and changes nothing.
pub(crate) fn decide(state: &CartState, change: ChangeQuantity, ctx: &Ctx) -> Result<Vec<CartEvent>, CartRejection> {
    let ChangeQuantity { sku, quantity, .. } = change;
    fits(u64::from(quantity))?;
    if state.open.is_none() {
        return Err(CartRejection::NoCart);
    }
    match state.pieces(&sku) {
        None => Err(CartRejection::NotInCart { sku }),
        Some(there) if there == quantity => Ok(vec![]),
        Some(_) => Ok(vec![QuantityChanged { sku, quantity, at_ms: ctx.now_ms }.into()]),
    }
}
