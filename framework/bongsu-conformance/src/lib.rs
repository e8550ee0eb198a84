//! What every adapter of a port must do, as functions an adapter's tests call.
#![forbid(unsafe_code)]

pub mod broker;
pub mod store;
