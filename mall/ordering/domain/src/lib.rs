//! The rules of the ordering context: how an order is placed, confirmed, ended and completed.
//!
//! [`order::Orders`] decides over one order and is the only judge of its end. Two processes move it:
//! [`checkout::Checkout`] from placed to confirmed or rejected, [`fulfilment::Fulfilment`] from confirmed to
//! completed or cancelled. Prices come from its own [`price_list`], so that an order is accepted without
//! asking anybody. Before that there is a [`cart`], which [`check_out`] turns into an order;
//! a visitor's is merged into the customer's ([`merge_carts`]), or given up ([`guest_cart`]). Pure: it must not know stores, HTTP or clocks. Start reading at [`place_order`].
#![forbid(unsafe_code)]

pub mod ids;
pub mod events;
pub mod order_state;
pub mod place_order;
pub mod confirm_order;
pub mod reject_order;
pub mod cancel_order;
pub mod refuse_cancellation;
pub mod cancel_undelivered;
pub mod complete_order;
pub mod order;
pub mod cart_events;
pub mod cart_state;
pub mod create_cart;
pub mod add_item;
pub mod change_quantity;
pub mod remove_item;
pub mod abandon_cart;
pub mod cart;
pub mod check_out;
pub mod merge_carts;
pub mod guest_cart;
pub mod heard;
pub mod checkout;
pub mod fulfilment;
pub mod price_list;
