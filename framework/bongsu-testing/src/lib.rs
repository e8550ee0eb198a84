//! Memory adapters, given/when/then, sagas under every fault, conformance suites for every port, the HTTP conventions,
//! streams of a million events, and the simulator.
#![forbid(unsafe_code)]

pub mod given;
pub mod saga;
pub mod conformance;
pub mod conventions;
pub mod long;
pub mod settings;
pub mod sim;
mod bench;
mod memory_broker;
mod memory_store;

pub use bench::{Answered, Bench};
pub use memory_broker::{MemoryBroker, Told};
pub use memory_store::MemoryStore;
