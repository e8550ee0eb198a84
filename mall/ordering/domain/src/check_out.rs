//! The cart becomes an order: both in one Commit, so that neither a crash nor a second click loses or doubles it.

use bongsu_core::{Changes, Ctx, Decision, Messages, StreamRef, View, message};

use crate::{
    cart::{CartRejection, Carts, OpenCart},
    cart_events::CartCheckedOut,
    events::Method,
    ids::{CustomerId, OrderId},
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
    /// Where to.
    pub address: String,
    /// How it is paid.
    pub method: Method,
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
        let cart = view.state::<Carts>(&customer).open.ok_or(CartRejection::NoCart)?;
        is_the_one_seen(&cart, &command.lines)?;
        let CheckOut { customer: owner, lines, address, method } = command;
        let place = PlaceOrder { customer: owner, lines, address, method };
        let placed = place_order::decide(&view.state::<Orders>(&order), place, self.window_ms, ctx)?;
        let gone = CartCheckedOut { cart: cart.cart, order: order.clone(), at_ms: ctx.now_ms };
        let changes = Changes::new().append::<Carts>(&customer, gone);
        Ok(placed.into_iter().fold(changes, |changes, event| changes.append::<Orders>(&order, event)))
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
