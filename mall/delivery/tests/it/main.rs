//! Delivery: its rules as a shopkeeper would read them, its contracts, and its life over memory adapters.

mod deliveries;
mod courier;
mod contracts;
mod life;
