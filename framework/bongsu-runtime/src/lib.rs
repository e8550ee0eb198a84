//! Runs the kernel: commands, relay, consumers, processes, projections, timers, activities and parking.
//!
//! It knows the ports in [`ports`] and nothing behind them: no database, broker, web framework or clock of
//! the machine. Start reading at [`Service`] (the map of a context) and [`Handle`] (what an adapter calls),
//! then `commit/unit.rs`: every change, whatever asked for it, is planned by one Unit and becomes one Commit.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// The rooms from the bottom up: none imports from one below it in this list (`xtask tidy` looks).
pub mod ports;
mod records;
mod commit;
mod query;
mod lease;
mod snapshot;
mod process;
mod command;
mod relay;
mod projection;
mod consume;
mod todo;
mod operate;
mod service;
mod handle;
mod runtime;

pub use command::execute::{Answer, Call, CommandError, Once, Outcome, Reply};
pub use command::script::Script;
pub use handle::Handle;
pub use operate::adopt::{Adoption, Orphan};
pub use operate::metrics::{Figure, Value};
pub use operate::note::{BadDeed, Deed};
pub use operate::orphans::Applied;
pub use operate::parked::Parked;
pub use operate::readiness::Status;
pub use ports::coverage as moments;
pub use projection::rebuild::{Ended, FillingStatus, NotDropped, NotRebuilt, Purpose, ReadModelStatus};
pub use projection::rows::{Page, Range};
pub use query::follow::{Followed, Follower};
pub use query::past::{Entry, Moment, PastError, Reading, SnapshotInfo};
pub use records::cloudevent::{Envelope, rfc3339};
pub use records::token::Token;
pub use relay::republish::Refill;
pub use runtime::{Runtime, Settings, World};
pub use service::Service;
pub use service::wiring::Miswired;
pub use snapshot::nightly::Walk;
pub use snapshot::write::Snapshots;
pub use todo::activity::{Activity, Unavailable};
