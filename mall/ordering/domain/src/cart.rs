//! The cart: one per customer or visitor, opened and checked out again and again. What is in it, and why it did not change, is
//! [`cart_state`](crate::cart_state), below the use cases.

use bongsu_core::{Aggregate, Ctx, Decider, Messages};

pub use crate::cart_state::{CART_SCHEMA, CartLine, CartRejection, CartState, OpenCart, SeenLine};

use crate::{
    abandon_cart::{self, AbandonCart},
    add_item::{self, AddItem},
    cart_events::CartEvent,
    change_quantity::{self, ChangeQuantity},
    create_cart::{self, CreateCart},
    remove_item::{self, RemoveItem},
};

/// Decides over the cart of one customer; id = customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carts;

/// What may be asked of a cart. Checking out spans cart and order: see [`check_out`](crate::check_out); merging spans two
/// carts: see [`merge_carts`](crate::merge_carts).
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum CartCommand {
    Create(CreateCart),
    Add(AddItem),
    Change(ChangeQuantity),
    Remove(RemoveItem),
    Abandon(AbandonCart),
}

impl Aggregate for Carts {
    const NAME: &'static str = "cart";
    type Event = CartEvent;
    type State = CartState;

    fn evolve(state: &mut CartState, event: &CartEvent) {
        state.evolve(event);
    }
}

impl Decider for Carts {
    type Command = CartCommand;
    type Rejection = CartRejection;

    fn decide(&self, state: &CartState, command: CartCommand, ctx: &Ctx) -> Result<Vec<CartEvent>, CartRejection> {
        match command {
            CartCommand::Create(c) => create_cart::decide(state, &c, ctx),
            CartCommand::Add(c) => add_item::decide(state, c, ctx),
            CartCommand::Change(c) => change_quantity::decide(state, c, ctx),
            CartCommand::Remove(c) => remove_item::decide(state, c, ctx),
            CartCommand::Abandon(c) => abandon_cart::decide(state, c, ctx),
        }
    }
}
