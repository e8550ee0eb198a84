//! A customer takes a cart.

use bongsu_core::{Ctx, message};

use crate::{
    cart_events::{CartCreated, CartEvent},
    cart_state::{CartRejection, CartState},
    ids::CustomerId,
};

/// Create an empty cart.
#[message("cart.create", version = 1, key = customer)]
pub struct CreateCart {
    /// Whose.
    pub customer: CustomerId,
}

pub(crate) fn decide(state: &CartState, create: &CreateCart, ctx: &Ctx) -> Result<Vec<CartEvent>, CartRejection> {
    match state.open {
        None => Ok(vec![created(&create.customer, ctx)]),
        Some(_) => Err(CartRejection::AlreadyOpen),
    }
}

pub(crate) fn created(customer: &CustomerId, ctx: &Ctx) -> CartEvent {
    let guest = customer.is_visitor().then(|| customer.clone());
    CartCreated { cart: ctx.id("crt", 0).into(), at_ms: ctx.now_ms, guest }.into()
}
