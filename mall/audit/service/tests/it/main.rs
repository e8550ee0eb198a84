//! The audit service: its contracts, and what it answers, over memory adapters.

mod contracts;
mod house;
mod answering;
mod conventions;
