//! What every adapter of a port must do, as functions an adapter's tests call.

pub mod broker;
pub mod store;
