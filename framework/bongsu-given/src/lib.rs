//! Given / when / then: rules of a domain, readable aloud, without stores, brokers or clocks.
//!
//! - [`given`] tests a [`Decider`](bongsu_core::Decider);
//! - [`decision`] a [`Decision`](bongsu_core::Decision), and checks that it reads what it changes;
//! - [`policy`] a policy;
//! - [`process`] a [`Process`](bongsu_core::Process), step by step; [`every_end`] and [`the_end`] feed it
//!   every interleaving of what several contexts say;
//! - [`rows`] folds a [`Projection`](bongsu_core::Projection) over every interleaving;
//! - [`whatever`] tries a rule with drawn inputs;
//! - [`saga`](mod@saga) fails a process at every step;
//! - [`contract`] compares what is published and heard with the contract's schema and samples, and what is stored
//!   with its golden ones;
//! - [`bless`] remembers which samples were written, and who may write them.
#![forbid(unsafe_code)]

mod decider;
mod decision;
mod policy;
mod process;
mod projection;
mod interleave;
mod draw;
#[cfg(test)]
mod tests;
pub mod bless;
pub mod contract;
pub mod digest;
pub mod saga;

pub use decider::{Given, When, given};
pub use decision::{Decided, GivenView, decision};
pub use draw::{Draw, whatever};
pub use interleave::{each_interleaving, interleavings};
pub use policy::{Reacted, policy};
pub use process::{End, Ending, Running, every_end, process, the_end};
pub use projection::rows;

pub(crate) use process::set;

use bongsu_core::{CommandId, Ctx};

/// The context of a test: time zero, command 1, asked by `test`.
///
/// ```
/// assert_eq!(bongsu_given::ctx(5).now_ms, 5);
/// ```
pub fn ctx(now_ms: i64) -> Ctx {
    Ctx::new(now_ms, CommandId(1), "test")
}
