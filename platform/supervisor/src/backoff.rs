//! How long to wait before a crashed process is started again.
//!
//! The first crash costs nothing: a process that ran well and was killed should be back at once. Only a process
//! that dies before it was ready, or right after, is held back, twice as long each time.

use std::time::Duration;

/// After so many quick deaths in a row an instance is called failing.
pub(crate) const FAILING_AFTER: u32 = 6;

/// A process that was ready this long before it died has not failed to start.
pub(crate) const RAN_WELL: Duration = Duration::from_secs(1);

/// How often a failing instance is tried, so that it recovers by itself once the cause is gone.
const FAILING_EVERY: Duration = Duration::from_secs(5);

/// The pause after the `failures`-th quick death in a row (0: it ran well).
pub(crate) fn pause(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        n if n >= FAILING_AFTER => FAILING_EVERY,
        n => Duration::from_millis(100 << (n - 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_immediate_and_later_ones_wait_twice_as_long_each() {
        let millis: Vec<u128> = (0..=FAILING_AFTER + 1).map(|n| pause(n).as_millis()).collect();
        assert_eq!(millis, [0, 0, 100, 200, 400, 800, 5000, 5000]);
    }
}
