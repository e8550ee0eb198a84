//! Store on SQLite: group commit, guards and fencing in one file per service.
//!
//! It knows the Store port and SQLite, and nothing of what is stored. One thread writes: it collects what is
//! queued into one transaction, judges each Commit against what the ones before it left, and answers after the
//! fsync. Start reading at [`SqliteStore`], then `writer` (the group) and `apply` (one Commit).
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod options;
mod store;
mod schema;
mod queue;
mod writer;
mod apply;
mod pack;
mod query;
mod reader;
mod file_lock;
mod presence;
mod doorbell;
mod trouble;
pub mod files;

pub use options::{Counters, Options};
pub use schema::OpenError;
pub use store::SqliteStore;
