//! Where the histories of services parted, as this process last heard it from the broker: it comes with every fetch, so
//! whoever judges a message knows what the broker knew when it was read.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct Partings {
    /// Whether any history has parted: hardly ever.
    any: AtomicBool,
    known: Mutex<BTreeMap<String, Arc<[u64]>>>,
    /// Rung when something is news.
    pub(crate) rung: Notify,
}

impl Partings {
    /// Takes what came with a fetch.
    pub(crate) fn learn(&self, told: &BTreeMap<String, Vec<u64>>) {
        if told.is_empty() {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (service, partings) in told {
            // They are only ever added: what has fewer is an answer that took longer.
            if known.get(service).is_none_or(|known| known.len() < partings.len()) {
                known.insert(service.clone(), partings.as_slice().into());
                self.any.store(true, Ordering::Release);
                self.rung.notify_waiters();
            }
        }
    }

    /// Of one service, oldest first.
    pub(crate) fn of(&self, service: &str) -> Option<Arc<[u64]>> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }

    /// All services whose history parted.
    pub(crate) fn all(&self) -> Vec<(String, Arc<[u64]>)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(service, partings)| (service.clone(), partings.clone())).collect()
    }
}
