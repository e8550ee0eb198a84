//! The delivery service: its contracts, its reactions, and its life over memory adapters.

mod contracts;
mod reactions;
mod house;
mod life;
mod conventions;
