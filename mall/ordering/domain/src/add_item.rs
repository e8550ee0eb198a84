//! A customer puts something into the cart. Without a cart a new one is taken: one intent is one command.

use bongsu_core::{Ctx, message};

use crate::{
    cart_events::{CartEvent, ItemAdded},
    cart_state::{CartRejection, CartState, fits},
    create_cart::created,
    ids::{CustomerId, Sku},
    place_order::MOST_LINES,
    price_list::Offer,
};

/// Put pieces of a product into the cart.
#[message("cart.add-item", version = 1, key = customer)]
pub struct AddItem {
    /// Whose cart.
    pub customer: CustomerId,
    /// Which product.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// What the price list says; `None` when it does not know the product.
    pub offer: Option<Offer>,
}

pub(crate) fn decide(state: &CartState, add: AddItem, ctx: &Ctx) -> Result<Vec<CartEvent>, CartRejection> {
    let AddItem { customer, sku, quantity, offer } = add;
    fits(u64::from(quantity))?;
    let Some(offer) = offer else { return Err(CartRejection::UnknownProduct { sku }) };
    if offer.retired {
        return Err(CartRejection::NotSold { sku });
    }
    match state.pieces(&sku) {
        Some(there) => fits(u64::from(there) + u64::from(quantity))?,
        None if state.lines().len() >= MOST_LINES => return Err(CartRejection::Full { most: MOST_LINES }),
        None => {}
    }
    let opened = state.open.is_none().then(|| created(&customer, ctx));
    let added = ItemAdded { sku, quantity, at_ms: ctx.now_ms }.into();
    Ok(opened.into_iter().chain([added]).collect())
}
