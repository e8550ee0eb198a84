//! Growing pauses of a part that cannot work now, told once.

use std::time::Duration;

use crate::commit::core::Core;

/// How often a part failed since it last worked.
#[derive(Default)]
pub(crate) struct Backoff {
    failures: u32,
    told: bool,
}

/// The first pause, before jitter: about what one write takes, since most of what fails once was overtaken.
const FIRST: Duration = Duration::from_millis(5);
/// The longest: it costs a store that is away a request in so long, and a lane goes on so soon when it is back.
const LONGEST: Duration = Duration::from_secs(5);
/// After so many doublings of the first the longest is reached.
const DOUBLINGS: u32 = 10;
/// With so many failures the next pause is more than a second: who was overtaken is through long before, so what is wrong
/// will not pass by itself, and a person sees that it stands still.
const MANY: u32 = 9;

impl Backoff {
    /// Notes a failure; how long to wait. The pause doubles up to five seconds, and half of it is chance, so that not
    /// all come back at once. What was merely overtaken by a change tries again at once the first time.
    pub(crate) fn failed(&mut self, core: &Core, overtaken: bool) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if overtaken && self.failures == 1 {
            return Duration::ZERO;
        }
        let most = FIRST.saturating_mul(1 << (self.failures - 1).min(DOUBLINGS)).min(LONGEST).as_millis() as u64;
        Duration::from_millis(most / 2 + core.env.random() % (most / 2 + 1))
    }

    /// Whether it failed so often that it stands still.
    pub(crate) fn is_long(&self) -> bool {
        self.failures >= MANY
    }

    /// Whether this failure is to be told: once until the part works again, and being overtaken only when it is often.
    pub(crate) fn is_to_be_told(&mut self, overtaken: bool) -> bool {
        let tell = !self.told && (!overtaken || self.is_long());
        self.told |= tell;
        tell
    }

    /// Notes that the part works; true when it was told that it had failed.
    pub(crate) fn works(&mut self) -> bool {
        self.failures = 0;
        std::mem::take(&mut self.told)
    }
}
