//! Contract tests of the host against a real server on loopback.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy exempts only the tests themselves")]

mod client;
mod door;
mod fixture;

mod asking;
mod bodies;
mod configuration;
mod errors;
mod idempotency;
mod malformed;
mod operators;
mod outgoing;
mod overload;
mod probes;
mod shutdown;
mod streams;
mod tracing_context;
mod who;
