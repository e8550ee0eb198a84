//! The HTTP API. Handlers only translate: between JSON and commands, rejections and problems, states and JSON.

mod place_order;
mod cancel_order;
mod follow_order;
mod read_orders;
mod read_address;
mod shown;
mod cart;
mod offers;
mod problems;

use axum::Router;
use bongsu_host::{
    allow::Allow,
    openapi::{Api, routes},
};
use bongsu_runtime::Handle;

/// A customer sees and changes his own orders and cart.
const HIS: Allow = Allow::Owner(&[]);

/// Where it goes is for those who bring it, too.
const HIS_OR_A_CARRIERS: Allow = Allow::Owner(&["rider", "operator"]);

/// Whoever comes without a login has a cart of his own, too.
const HIS_OR_A_GUESTS: Allow = Allow::Visitor;

/// Carts and orders of a customer.
pub fn api() -> Api<Handle> {
    Api::new("ordering")
        .about("Orders: placed, called back, read and followed by their customer. The customer's cart.")
        .routes(HIS, routes!(read_orders::list, place_order::handle))
        .routes(HIS, routes!(read_orders::one))
        .routes(HIS_OR_A_CARRIERS, routes!(read_address::handle))
        .routes(HIS, routes!(cancel_order::handle))
        .routes(HIS, routes!(follow_order::handle))
        .routes(HIS_OR_A_GUESTS, routes!(cart::read_cart::handle, cart::create_cart::handle))
        .routes(HIS_OR_A_GUESTS, routes!(cart::cart_history::handle))
        .routes(HIS_OR_A_GUESTS, routes!(cart::add_item::handle))
        .routes(
            HIS_OR_A_GUESTS,
            routes!(cart::read_item::handle, cart::change_quantity::handle, cart::remove_item::handle),
        )
        .routes(HIS, routes!(cart::merge::handle))
        .routes(HIS, routes!(cart::check_out::handle))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}
