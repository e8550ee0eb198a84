//! Runs the kernel: commands, relay, consumers, processes, projections, timers, activities and parking.
//!
//! It knows the ports in [`ports`] and nothing behind them: no database, broker, web framework or clock of
//! the machine. Start reading at [`Service`] (the map of a context) and [`Handle`] (what an adapter calls),
//! then `commit/unit.rs`: every change, whatever asked for it, is planned by one Unit and becomes one Commit.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// The rooms from the bottom up: none imports from one below it in this list (`xtask tidy` looks).
pub mod ports;
mod ask;
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

pub use ask::asks::Asks;
pub use ask::peer::Peer;
pub use ask::question::{Answered, Behalf, DEADLINE, Question, Unanswered};
pub use bongsu_breaker::Rules;
pub use command::execute::{Answer, Call, Outcome, Rejected};
pub use command::script::Script;
pub use commit::fail::CommandError;
pub use commit::health::Status;
pub use commit::map::Attempt;
pub use commit::rules::OtherRules;
pub use commit::schedule::{Firing, Missed, Schedule, WrongSchedule, daily, every};
pub use commit::settings::Settings;
pub use commit::wanted::Snapshots;
pub use handle::Handle;
pub use operate::adopt::{Adoption, Orphan};
pub use operate::forgetting::Forgetting;
pub use operate::note::{BadDeed, Deed};
pub use operate::operator::Operator;
pub use operate::orphans::Applied;
pub use operate::parked::{PARKED_PAGE, Parked};
pub use ports::coverage;
pub use ports::metric::{Metric, Value};
pub use projection::rebuild::ask::{FillingStatus, NotRebuilt, ReadModelStatus};
pub use projection::rebuild::old::NotDropped;
pub use query::follow::{Followed, Follower};
pub use query::past::{Entry, Moment, PastError, Reading, SnapshotInfo};
pub use query::read::{Page, Range};
pub use records::cloudevent::{Envelope, rfc3339};
pub use records::forgotten::forgotten;
pub use records::once::{Once, Reply};
pub use records::rebuild::{Ended, Purpose};
pub use records::republish::Refill;
pub use records::token::Token;
pub use runtime::{Adapters, Runtime};
pub use service::Service;
pub use service::vocabulary::{Kind, Words};
pub use service::wiring::Miswired;
pub use snapshot::nightly::Walk;
pub use todo::activity::{Activity, Refused, Unavailable};
