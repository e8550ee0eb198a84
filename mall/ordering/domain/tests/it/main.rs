//! The rules of the ordering context, as a shopkeeper would read them.

mod orders;
mod placing;
mod carts;
mod guest_carts;
mod cart_snapshots;
mod living;
mod prices;
mod checkout;
mod fulfilment;
mod endings;
mod sagas;
