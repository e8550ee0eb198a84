//! A customer takes a cart.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    cart::{CartRejection, CartState},
    cart_events::{CartCreated, CartEvent},
};

/// Create an empty cart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateCart {
    /// Whose.
    pub customer: String,
}
version!(CreateCart, "cart.create", 1);

pub(crate) fn decide(state: &CartState, ctx: &Ctx) -> Result<Vec<CartEvent>, CartRejection> {
    match state.open {
        None => Ok(vec![created(ctx)]),
        Some(_) => Err(CartRejection::AlreadyOpen),
    }
}

pub(crate) fn created(ctx: &Ctx) -> CartEvent {
    CartCreated { cart: ctx.id("crt", 0), at_ms: ctx.now_ms }.into()
}
