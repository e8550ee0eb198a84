//! A customer takes something out of the cart.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    cart::{CartRejection, CartState},
    cart_events::{CartEvent, ItemRemoved},
};

/// Take a product out of the cart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoveItem {
    /// Whose cart.
    pub customer: String,
    /// Which product.
    pub sku: String,
}
version!(RemoveItem, "cart.remove-item", 1);

pub(crate) fn decide(state: &CartState, remove: RemoveItem, ctx: &Ctx) -> Result<Vec<CartEvent>, CartRejection> {
    let sku = remove.sku;
    match (&state.open, state.pieces(&sku)) {
        (None, _) => Err(CartRejection::NoCart),
        (Some(_), None) => Err(CartRejection::NotInCart { sku }),
        (Some(_), Some(_)) => Ok(vec![ItemRemoved { sku, at_ms: ctx.now_ms }.into()]),
    }
}
