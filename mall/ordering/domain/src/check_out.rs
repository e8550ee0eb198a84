//! The cart becomes an order: both in one Commit, so that neither a crash nor a second click loses or doubles it.

use bongsu_core::{Changes, Ctx, Decision, Messages, StreamRef, View, message};
use serde::{Deserialize, Serialize};

use crate::{
    cart::{CartRejection, CartState, Carts, OpenCart},
    cart_events::CartCheckedOut,
    events::Method,
    ids::{CartId, CustomerId, OrderId},
    order::{OrderRejection, Orders},
    place_order::{self, PlaceOrder, WantedLine},
};

/// Checks carts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckOuts {
    /// A placed order that is not confirmed within this time is rejected.
    pub window_ms: i64,
}

/// Make an order of the cart.
#[message("cart.check-out", version = 1, key = customer)]
pub struct CheckOut {
    /// Whose cart.
    pub customer: CustomerId,
    /// The cart as the adapter saw it, with what the price list says about each line.
    pub lines: Vec<WantedLine>,
    /// Where to, sealed.
    pub address: String,
    /// How it is paid.
    pub method: Method,
    /// The cart as the customer saw it, if that is said: no other becomes an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenCart>,
}

/// A cart as a customer saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCart {
    /// Which.
    pub cart: CartId,
    /// Whether its version was still that when its prices were looked up.
    pub is_current: bool,
}

/// Why a cart did not become an order.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum CheckOutRejection {
    Cart(CartRejection),
    Order(OrderRejection),
}

impl Decision for CheckOuts {
    const NAME: &'static str = "check-out";
    type Command = CheckOut;
    type Rejection = CheckOutRejection;

    /// The order comes first: its id is what the customer is told.
    fn reads(&self, command: &CheckOut, _: &View, ctx: &Ctx) -> Vec<StreamRef> {
        vec![StreamRef::of::<Orders>(&order_of(ctx)), StreamRef::of::<Carts>(&command.customer)]
    }

    fn decide(&self, view: &View, command: CheckOut, ctx: &Ctx) -> Result<Changes, CheckOutRejection> {
        let order = order_of(ctx);
        let customer = command.customer.clone();
        let carts = view.state::<Carts>(&customer);
        if let Some(seen) = &command.seen {
            is_still_there(&carts, seen)?;
        }
        let cart = carts.open.ok_or(CartRejection::NoCart)?;
        is_the_one_seen(&cart, &command.lines)?;
        let CheckOut { customer: owner, lines, address, method, .. } = command;
        let place = PlaceOrder { customer: owner, lines, address, method };
        let placed = place_order::decide(&view.state::<Orders>(&order), place, self.window_ms, ctx)?;
        let gone = CartCheckedOut { cart: cart.cart, order: order.clone(), at_ms: ctx.now_ms };
        let changes = Changes::new().append::<Carts>(&customer, gone);
        Ok(placed.into_iter().fold(changes, |changes, event| changes.append::<Orders>(&order, event)))
    }
}

/// Whoever asks for the cart that has become an order, from another tab or after a reload, is told which.
fn is_still_there(carts: &CartState, seen: &SeenCart) -> Result<(), CartRejection> {
    let is_it = carts.open.as_ref().is_some_and(|open| open.cart == seen.cart);
    match (&carts.last_order, is_it) {
        (Some(order), false) if carts.last_cart.as_ref() == Some(&seen.cart) => {
            Err(CartRejection::CheckedOut { order: order.clone() })
        }
        (_, true) if seen.is_current => Ok(()),
        _ => Err(CartRejection::Changed),
    }
}

/// The prices were looked up for the cart as it was then; a line more or less has none.
fn is_the_one_seen(cart: &OpenCart, lines: &[WantedLine]) -> Result<(), CartRejection> {
    if cart.lines.is_empty() {
        return Err(CartRejection::Empty);
    }
    let now = cart.lines.iter().map(|line| (&line.sku, line.quantity));
    match now.eq(lines.iter().map(|line| (&line.sku, line.quantity))) {
        true => Ok(()),
        false => Err(CartRejection::Changed),
    }
}

fn order_of(ctx: &Ctx) -> OrderId {
    ctx.id("ord", 0).into()
}
