//! A visitor logs in: what is in his cart goes into the customer's, in one Commit, so that two tabs which ask at once, and
//! one that asks again, merge it once.

use bongsu_core::{Changes, Ctx, Decision, StreamRef, View, message};

use crate::{
    cart::{CartRejection, CartState, Carts, OpenCart},
    cart_events::{CartEvent, CartMerged, ItemAdded},
    create_cart::created,
    ids::CustomerId,
    place_order::{MOST_LINES, MOST_PIECES},
};

/// Merges carts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merges;

/// Put what is in a visitor's cart into the customer's.
#[message("cart.merge", version = 1, key = customer)]
pub struct MergeCarts {
    /// Whose cart takes it.
    pub customer: CustomerId,
    /// Whose cart it was, before he logged in.
    pub guest: CustomerId,
}

impl Decision for Merges {
    const NAME: &'static str = "merge-carts";
    type Command = MergeCarts;
    type Rejection = CartRejection;

    /// The customer's comes first: its version is what is told.
    fn reads(&self, command: &MergeCarts, _: &View, _: &Ctx) -> Vec<StreamRef> {
        vec![StreamRef::of::<Carts>(&command.customer), StreamRef::of::<Carts>(&command.guest)]
    }

    /// What was merged before, or never was there, changes nothing.
    fn decide(&self, view: &View, command: MergeCarts, ctx: &Ctx) -> Result<Changes, CartRejection> {
        let MergeCarts { customer, guest } = command;
        if customer.is_visitor() || !guest.is_visitor() {
            return Err(CartRejection::NotAGuests);
        }
        let Some(from) = view.state::<Carts>(&guest).open else { return Ok(Changes::new()) };
        let into = added(&view.state::<Carts>(&customer), &customer, &from, ctx);
        let merged = CartMerged { cart: from.cart, at_ms: ctx.now_ms };
        let changes = into.into_iter().fold(Changes::new(), |all, event| all.append::<Carts>(&customer, event));
        Ok(changes.append::<Carts>(&guest, merged))
    }
}

/// As much as one cart holds; what is over that is left out.
fn added(into: &CartState, customer: &CustomerId, from: &OpenCart, ctx: &Ctx) -> Vec<CartEvent> {
    let opened = into.open.is_none().then(|| created(customer, ctx));
    let mut room = MOST_LINES.saturating_sub(into.lines().len());
    let mut events = Vec::new();
    for line in &from.lines {
        let there = into.pieces(&line.sku);
        let quantity = line.quantity.min(MOST_PIECES.saturating_sub(there.unwrap_or(0)));
        if quantity == 0 || there.is_none() && room == 0 {
            continue;
        }
        room -= usize::from(there.is_none());
        events.push(ItemAdded { sku: line.sku.clone(), quantity, at_ms: ctx.now_ms }.into());
    }
    if events.is_empty() { events } else { opened.into_iter().chain(events).collect() }
}
