//! Runs the kernel: commands, relay, consumers, processes, projections, timers, activities and parking.
//!
//! It knows the ports in [`ports`] and nothing behind them: no database, broker, web framework or clock of
//! the machine. Start reading at [`Service`] (the map of a context) and [`Handle`] (what an adapter calls),
//! then `unit.rs`: every change, whatever asked for it, is planned by one Unit and becomes one Commit.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod ports;
pub mod moments;

mod service;
mod wiring;
mod target;
mod saga;
mod consumer;
mod generation;
mod activity;
mod unit;
mod run_process;
mod early;
mod envelope;
mod bounded;
mod cache;
mod turns;
mod core;
mod fold;
mod snapshot;
mod midnight;
mod past;
mod todo;
mod drain;
mod forget;
mod run_todo;
mod retry_fact;
mod lane;
mod newer;
mod plan_fact;
mod seen;
mod cut;
mod pauses;
mod mailbox;
mod reader;
mod consume;
mod topics;
mod history;
mod refill;
mod relay;
mod lease;
mod command;
mod script;
mod read;
mod queued;
mod deed;
mod feed;
mod follow;
mod waiters;
mod parked;
mod rebuild;
mod handle;
mod runtime;
mod status;
mod figures;
mod token;
mod planted;

pub use activity::{Activity, Unavailable};
pub use command::{Answer, Call, CommandError, Once, Outcome, Reply};
pub use deed::{BadDeed, Deed};
pub use envelope::{Envelope, rfc3339};
pub use figures::{Figure, Value};
pub use follow::{Followed, Follower};
pub use handle::Handle;
pub use history::{Adoption, Applied, Orphan};
pub use midnight::Walk;
pub use parked::Parked;
pub use past::{Entry, Moment, PastError, Reading, SnapshotInfo};
pub use read::{Page, Range};
pub use rebuild::{Ended, FillingStatus, NotDropped, NotRebuilt, Purpose, ReadModelStatus};
pub use refill::Refill;
pub use runtime::{Runtime, Settings, World};
pub use script::Script;
pub use service::Service;
pub use snapshot::Snapshots;
pub use status::Status;
pub use token::Token;
pub use wiring::Miswired;
