//! Memory adapters, given/when/then, conformance suites for every port, and the simulator.
#![forbid(unsafe_code)]

mod memory_broker;

pub use memory_broker::MemoryBroker;
