//! The outside world over real HTTP: a payment provider with a ledger.
//!
//! [`provider::Provider`] is a pure state machine over ledger entries; [`api`] says what each request means,
//! without any web framework, so that a simulator can be the outside world too; [`ledger`] keeps the entries
//! in a file that survives `kill -9`; [`serve`] is the HTTP server, [`bank`] the same in a test. It judges the mall from outside and must
//! therefore know nothing of it. Start reading at [`provider`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod provider;
pub mod api;
pub mod ledger;
pub mod serve;
pub mod bank;
