//! How fast a rebuild may go: while this instance serves others, small Commits and long rests.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::commit::core::Core;

pub(crate) struct Pace {
    core: Arc<Core>,
    submitted: u64,
    busy_until: Duration,
}

/// Documents per Commit while nobody else writes: just below what a Commit may hold.
const QUIET: usize = 900;
/// The same while others do: a Commit that holds the file for no longer than a few commands do.
const BUSY: usize = 60;
/// Others count as busy for so long after their last Commit.
const LINGER: Duration = Duration::from_millis(250);
/// Rest after a Commit, as a multiple of what it took, while others are busy.
const REST: u32 = 3;

impl Pace {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        let submitted = core.submitted.load(Ordering::Relaxed);
        // Begins gently: what others did just before is not known.
        Self { core: core.clone(), submitted, busy_until: core.env.mono() + LINGER }
    }

    /// Whether others wrote through this instance a moment ago.
    pub(crate) fn is_busy(&mut self) -> bool {
        let (now, submitted) = (self.core.env.mono(), self.core.submitted.load(Ordering::Relaxed));
        if std::mem::replace(&mut self.submitted, submitted) != submitted {
            self.busy_until = now + LINGER;
        }
        now < self.busy_until
    }

    /// Documents of the next Commit.
    pub(crate) fn limit(&mut self) -> usize {
        if self.is_busy() { BUSY } else { QUIET }
    }

    /// Facts or events to read at once.
    pub(crate) fn page(&mut self) -> u32 {
        if self.is_busy() { 100 } else { 1_000 }
    }

    /// Gives way after work that began then.
    pub(crate) async fn rest(&self, since: Duration) {
        let took = self.core.env.mono().saturating_sub(since);
        self.core.env.sleep((took * REST).clamp(Duration::from_millis(2), Duration::from_millis(500))).await;
    }
}
