//! Contract tests of the host against a real server on loopback.

mod client;
mod door;
mod house;

mod bodies;
mod configuration;
mod errors;
mod idempotency;
mod operators;
mod overload;
mod probes;
mod shutdown;
mod tracing_context;
