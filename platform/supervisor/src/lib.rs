//! Starts, watches, restarts and stops the processes of a system on one machine.
//!
//! It knows processes, ports, pipes and readiness; it does not know what a service does, nor what a request or a
//! fact is. On a cluster its place is taken by the orchestrator. Start reading at [`Supervisor`], then `keeper`:
//! one task per instance that owns the whole life of one slot.

pub mod paths;
mod part;
pub mod system_file;
pub mod canary;
pub mod configuration;
pub mod identity;
pub mod find_binary;
pub mod data_folder;
pub mod registry;
pub mod logs;
pub mod progress;
pub mod http;
pub mod client;
mod machine;
mod backoff;
mod placeholder;
mod references;
mod spec;
mod port;
mod process;
mod front;
mod shared;
mod readiness;
mod keeper;
pub mod scale;
mod fleet;
mod secret;
mod control;
mod serve;
mod leftovers;
mod directory;
mod turns;
mod supervise;

pub use data_folder::{DataFolder, DataFolderError};
pub use machine::now_rfc3339;
pub use supervise::{StartError, Supervisor};
pub use system_file::{SystemFile, SystemFileError};
