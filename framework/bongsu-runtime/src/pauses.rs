//! Growing pauses of parts that cannot work now, told once.

use std::{collections::BTreeMap, time::Duration};

use crate::core::Core;

/// Which parts rest, and until when.
#[derive(Default)]
pub(crate) struct Pauses(BTreeMap<String, Pause>);

struct Pause {
    failures: u32,
    /// On the monotonic clock.
    until: Duration,
}

/// The first pause, before jitter.
const FIRST: Duration = Duration::from_millis(100);
/// The longest.
const LONGEST: Duration = Duration::from_secs(5);

impl Pauses {
    /// Notes a failure of a part; true when it is the first since it last worked. The pause doubles up to five
    /// seconds, and half of it is chance, so that not all come back at once.
    pub(crate) fn failed(&mut self, core: &Core, part: &str) -> bool {
        let pause = self.0.entry(part.to_owned()).or_insert(Pause { failures: 0, until: Duration::ZERO });
        let most = FIRST.saturating_mul(1 << pause.failures.min(10)).min(LONGEST).as_millis() as u64;
        pause.failures += 1;
        pause.until = core.env.mono() + Duration::from_millis(most / 2 + core.env.random() % (most / 2 + 1));
        pause.failures == 1
    }

    /// Notes that a part works; true when it had failed.
    pub(crate) fn works(&mut self, part: &str) -> bool {
        self.0.remove(part).is_some()
    }

    /// Whether a part has to wait.
    pub(crate) fn rests(&self, core: &Core, part: &str) -> bool {
        self.0.get(part).is_some_and(|pause| pause.until > core.env.mono())
    }

    /// How long until the first of those that rest is to try again, at most `most`.
    pub(crate) fn next(&self, core: &Core, most: Duration) -> Duration {
        let now = core.env.mono();
        let waits = self.0.values().map(|pause| pause.until).filter(|until| *until > now);
        waits.map(|until| until - now).min().unwrap_or(most).min(most)
    }
}
