//! The example `door` as a real process: started, asked, stopped and killed.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy exempts only the tests themselves")]

mod process;

mod ending;
mod forgetting;
mod killed;
mod lost_store;
mod rollout;
mod starting;
mod configured;
