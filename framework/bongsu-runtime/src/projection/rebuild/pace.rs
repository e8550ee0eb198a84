//! How fast a rebuild may go: while the store serves others, small Commits and long rests.
//!
//! Others are whoever commits through this instance, and whoever moves the head of the store: another instance that
//! decides. What another instance only folds does not move it and is not seen.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{commit::core::Core, ports::store::Position};

pub(crate) struct Pace {
    core: Arc<Core>,
    submitted: u64,
    head: Option<Position>,
    busy_until: Duration,
}

/// Documents per Commit while nobody else writes: just below what a Commit may hold.
const QUIET: usize = 900;
/// The same while others do: a Commit that holds the file for no longer than a few commands do.
const BUSY: usize = 60;
/// Others count as busy for so long after their last Commit: who comes once comes again sooner than that, and a rebuild that
/// waits for nobody is late by no more.
const LINGER: Duration = Duration::from_millis(250);
/// Rest after a Commit, as a multiple of what it took, while others are busy: a quarter of the store's time is the rebuild's,
/// and it still ends.
const REST: u32 = 3;
/// The bounds of one rest: shorter is none, and longer makes a rebuild last for a pause of the disk.
const SHORTEST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(500);
/// Facts read at once: about what one Commit takes in.
const PAGE: u32 = 1_000;
/// The same while others are busy: a read holds a reader for less than a few commands take.
const PAGE_BUSY: u32 = 100;

impl Pace {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        let submitted = core.submitted.load(Ordering::Relaxed);
        // Begins gently: what others did just before is not known.
        Self { core: core.clone(), submitted, head: None, busy_until: core.env.mono() + LINGER }
    }

    /// Whether others wrote a moment ago. A rebuild writes no events, so the head never moves for it.
    pub(crate) async fn is_busy(&mut self) -> bool {
        let submitted = self.core.submitted.load(Ordering::Relaxed);
        let mut moved = std::mem::replace(&mut self.submitted, submitted) != submitted;
        // A store that does not answer is met by the next Commit.
        if let Ok(head) = self.core.store.head().await {
            moved |= self.head.replace(head).is_some_and(|before| before != head);
        }
        let now = self.core.env.mono();
        if moved {
            self.busy_until = now + LINGER;
        }
        now < self.busy_until
    }

    /// Documents of the next Commit.
    pub(crate) async fn limit(&mut self) -> usize {
        if self.is_busy().await { BUSY } else { QUIET }
    }

    /// Facts or events to read at once.
    pub(crate) async fn page(&mut self) -> u32 {
        if self.is_busy().await { PAGE_BUSY } else { PAGE }
    }

    /// Gives way after work that began then.
    pub(crate) async fn rest(&self, since: Duration) {
        let took = self.core.env.mono().saturating_sub(since);
        self.core.env.sleep((took * REST).clamp(SHORTEST, LONGEST)).await;
    }
}
