//! When a breaker opens, how long it stays open, and who tries whether it may close.

use std::time::Duration;

use serde::Serialize;

/// Rules of a breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// So many failures in a row open it; 0: not watched.
    pub consecutive: u32,
    /// It opens when so many of a hundred calls in the window failed; 0: not watched.
    pub failed_percent: u32,
    /// A share of fewer calls than these says nothing.
    pub least: u32,
    /// How long calls are remembered.
    pub window_ms: u64,
    /// A service that has had a whole request for longer is slow.
    pub slow_ms: u64,
    /// It opens when so many of a hundred calls in the window were slow; 0: not watched.
    pub slow_percent: u32,
    /// How long it stays open; after every round of probes that failed twice as long.
    pub open_ms: u64,
    /// But never longer.
    pub open_at_most_ms: u64,
    /// So many calls are let through half-open, and all of them must be answered well.
    pub probes: u32,
    /// A probe that says nothing for so long holds up no other.
    pub lease_ms: u64,
    /// So many calls may be unanswered at once; one more is refused.
    pub at_once: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            consecutive: 5,
            failed_percent: 50,
            least: 20,
            window_ms: 10_000,
            // Half of what a request may take.
            slow_ms: 5_000,
            slow_percent: 50,
            // As long as an instance that failed is left out.
            open_ms: 1_000,
            open_at_most_ms: 30_000,
            probes: 3,
            lease_ms: 2_000,
            // Half of what a gateway takes: a route whose service hangs leaves the others room.
            at_once: 256,
        }
    }
}

impl Rules {
    /// How long calls are remembered.
    pub fn window(&self) -> Duration {
        Duration::from_millis(self.window_ms)
    }

    /// From when on a call is slow.
    pub fn slow(&self) -> Duration {
        Duration::from_millis(self.slow_ms)
    }

    /// How long a probe holds up others.
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    /// How long it stays open when it has opened so often in a row before.
    pub fn open(&self, before: u32) -> Duration {
        // More doublings than these are beyond every cap.
        let doubled = self.open_ms.saturating_mul(1 << before.min(20));
        Duration::from_millis(doubled.min(self.open_at_most_ms))
    }

    /// Why they make no sense together, if they make none.
    pub fn nonsense(&self) -> Option<String> {
        if self.consecutive == 0 && self.failed_percent == 0 && self.slow_percent == 0 {
            return Some(
                "consecutive, failed_percent and slow_percent are all 0, so that nothing would open it".into(),
            );
        }
        let (first, most) = (self.open_ms, self.open_at_most_ms);
        (most < first).then(|| format!("open_at_most_ms ({most}) is less than open_ms ({first})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_open_is_twice_as_long_up_to_a_cap() {
        let rules = Rules::default();
        let seconds: Vec<u64> = (0..7).map(|before| rules.open(before).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(rules.open(u32::MAX).as_secs(), 30);
    }
}
