//! Publishing held while somebody copies: then nothing is in the broker that a store copied afterwards does not have.
//!
//! A publisher waits instead of being refused, because a hold is as long as it takes to open a few files. It is a lease:
//! whoever holds and dies is waited for no longer than was asked for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedRwLockReadGuard, RwLock, oneshot},
    task::JoinSet,
    time::timeout,
};

/// Longest hold: less than a publisher waits for an answer.
pub(crate) const LONGEST: Duration = Duration::from_secs(8);

/// Who publishes, and who holds them.
#[derive(Default)]
pub(crate) struct Hold {
    /// Read by publishers, written by a holder; fair, so that a holder gets it under any load.
    gate: Arc<RwLock<()>>,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    number: u64,
    release: Option<oneshot::Sender<()>>,
    /// Ends the hold, released or not.
    timer: JoinSet<()>,
}

impl Hold {
    /// Permission to publish, once nobody holds; to be kept until what is published is durable.
    pub(crate) async fn publishing(&self) -> OwnedRwLockReadGuard<()> {
        self.gate.clone().read_owned().await
    }

    /// Waits until nobody publishes and holds those who want to, at most for so long; the number to release it by.
    /// `None`: somebody else holds, or something is being published all the while.
    pub(crate) async fn begin(&self, at_most: Duration) -> Option<u64> {
        let at_most = at_most.min(LONGEST);
        let held = timeout(at_most, self.gate.clone().write_owned()).await.ok()?;
        let (release, released) = oneshot::channel();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        while last.timer.try_join_next().is_some() {}
        last.timer.spawn(async move {
            // Released, or its time is over: the same to those who wait.
            let _ = timeout(at_most, released).await;
            drop(held);
        });
        last.number += 1;
        last.release = Some(release);
        Some(last.number)
    }

    /// Lets publishers go on; false when that hold was over already.
    pub(crate) fn release(&self, number: u64) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.number == number && last.release.take().is_some_and(|release| release.send(()).is_ok())
    }
}
