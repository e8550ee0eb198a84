//! The embedded broker, a single writer over SQLite, and its client.
#![forbid(unsafe_code)]
