//! The product service: its contracts, its reactions, and its API in a running service over memory adapters.

mod contracts;
mod reactions;
mod house;
mod products;
mod stock;
mod conventions;
