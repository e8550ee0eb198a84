//! `/cart`: the cart of whoever asks, logged in or not.

pub(super) mod read_cart;
pub(super) mod cart_history;
pub(super) mod create_cart;
pub(super) mod add_item;
pub(super) mod change_quantity;
pub(super) mod remove_item;
pub(super) mod read_item;
pub(super) mod check_out;
pub(super) mod merge;
mod problems;
