//! The rules of the product context: what is sold, how much of it there is, and who holds it.
//!
//! Product information has no rules beyond its shape ([`product`]); stock does. [`stock::Stock`] counts one
//! sku, [`reservation::Reservation`] remembers what one order holds, and reserving, releasing and committing
//! are decisions over both, so that stock can never be given back by an order that took none. Pure: it must
//! not know stores, HTTP or clocks. Start reading at [`reserve_stock`].
#![forbid(unsafe_code)]

pub mod ids;
pub mod about;
pub mod events;
pub mod product;
pub mod stock;
pub mod receive_stock;
pub mod adjust_stock;
pub mod reservation;
pub mod reserve_stock;
pub mod release_stock;
pub mod commit_stock;
