//! The embedded broker, a single writer over SQLite, and its client.
//!
//! [`server::run`] is one process with one file: batches of many producers are written in one transaction and
//! acknowledged after its fsync, offsets are given inside it, fetches wait and are woken at once. It stays
//! laptop-sized: no replication, ever. [`BrokerClient`] is the `Broker` port over HTTP; `README.md` has the
//! protocol, which `curl` can speak.
//!
//! It must not know the runtime or what the messages say: payloads are opaque bytes, only the envelope is
//! checked. Start reading at [`server`], then `server/writer.rs`.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod wire;
mod client;
pub mod server;

pub use client::BrokerClient;
