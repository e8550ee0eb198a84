//! The embedded broker through real sockets and, where it matters, in a real process.

mod bench;
mod conformance;
