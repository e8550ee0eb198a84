//! The ordering service: its contracts, and its API in a running service over memory adapters.

mod contracts;
mod house;
mod placing;
mod reading;
mod cancelling;
mod carts;
mod conventions;
mod following;
