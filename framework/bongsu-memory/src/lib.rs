//! The ports in memory, without threads or files: the models every other adapter is compared with, and streams of a
//! million events to fill any store with.
#![forbid(unsafe_code)]

mod store;
mod broker;
pub mod long;

pub use broker::{MemoryBroker, PublishedFact};
pub use store::MemoryStore;
