//! The payment service: its contracts, its reactions, and its life with a provider, over memory adapters.

mod contracts;
mod reactions;
mod bank;
mod house;
mod life;
mod conventions;
