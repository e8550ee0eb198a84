//! Moments that a test of this runtime must have met, or it has tested less than it seems.
//!
//! The runtime names each where it happens ([`Env::sometimes`](crate::ports::env::Env::sometimes)); the simulator
//! counts them, and a long run in which one of [`ALL`] never happened fails.

/// A fact was delivered that had been seen before.
pub const FACT_AGAIN: &str = "a fact is delivered again";
/// A repeated request got the reply kept under its once-key.
pub const ONCE_AGAIN: &str = "a kept reply answers a repeated request";
/// Two requests with one once-key raced, and the loser answered with the winner's reply.
pub const ONCE_OVERTAKEN: &str = "a request finds its answer in the refusal";
/// A once-key came with another body.
pub const ONCE_REUSED: &str = "a once-key comes with another body";
/// A Commit of unknown outcome turned out to be applied.
pub const UNKNOWN_APPLIED: &str = "a commit of unknown outcome was applied";
/// A lane met a refusal or an error in the middle of its facts and planned them again.
pub const LANE_AGAIN: &str = "a lane plans again";
/// A fact came for a process that had not started.
pub const EARLY_INPUT: &str = "an input waits for its process";
/// A process was told something after its end.
pub const LATE_INPUT: &str = "an input comes after the end of its process";
/// A timer woke its process.
pub const WOKEN: &str = "a timer wakes a process";
/// A to-do failed and is tried again later.
pub const TRIED_AGAIN: &str = "a to-do is tried again";
/// A lease was taken from an instance that is gone or silent.
pub const TAKEN_OVER: &str = "a lease is taken over";
/// An owner that had lost its lease was told so by a refusal or found it in the store.
pub const LEASE_LOST: &str = "a lease is lost";
/// All of them.
pub const ALL: [&str; 12] = [
    FACT_AGAIN,
    ONCE_AGAIN,
    ONCE_OVERTAKEN,
    ONCE_REUSED,
    UNKNOWN_APPLIED,
    LANE_AGAIN,
    EARLY_INPUT,
    LATE_INPUT,
    WOKEN,
    TRIED_AGAIN,
    TAKEN_OVER,
    LEASE_LOST,
];
