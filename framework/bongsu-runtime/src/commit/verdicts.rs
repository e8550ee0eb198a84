//! Whether this store's history is the one that the broker has, as this instance knows.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;

/// What this instance knows.
#[derive(Default)]
pub(crate) struct Verdicts {
    /// Asked, or waited for long enough.
    pub(crate) known: AtomicBool,
    parted: Mutex<Option<String>>,
    pub(crate) rung: Notify,
}

impl Verdicts {
    /// Why this store's history is not the one that the broker has.
    pub(crate) fn parted(&self) -> Option<String> {
        self.lock().clone()
    }

    /// Whether somebody asked the broker, or waited for it long enough.
    pub(crate) fn is_known(&self) -> bool {
        self.known.load(Ordering::Acquire)
    }

    /// The same as [`parted`](Self::parted), once it is known.
    pub(crate) async fn until_known(&self) -> Option<String> {
        while !self.is_known() {
            let rung = self.rung.notified();
            if self.is_known() {
                break;
            }
            rung.await;
        }
        self.parted()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.parted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
