//! What this instance holds, and who else lives, as it last knew.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use crate::{
    ports::{
        broker::Partition,
        store::{CommitId, Guard, Mismatch},
    },
    records::lease::{LEASE, Resource},
};

/// The leases this instance holds.
#[derive(Default)]
pub(crate) struct Leases {
    held: Mutex<BTreeMap<Resource, Held>>,
    /// Rung whenever the set changes.
    pub(crate) changed: Notify,
    /// How often it was.
    changes: AtomicU64,
    /// Whether other instances of this service live: only they can leave work this one is not told of.
    pub(crate) others: AtomicBool,
    /// Which process of its slot this is; 0 before it is a member.
    pub(crate) incarnation: AtomicU64,
    /// The instances that live, as this one last saw them.
    members: Mutex<Members>,
    pub(crate) counts: Counts,
}

#[derive(Clone, Copy)]
pub(crate) struct Held {
    pub(crate) revision: CommitId,
    pub(crate) epoch: u64,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) incarnation: u64,
    pub(crate) consumers: BTreeSet<String>,
}

/// The slots alive, each with the consumers its build has.
pub(crate) type Members = BTreeMap<String, Member>;

/// What the runtime itself counts.
#[derive(Default)]
pub(crate) struct Counts {
    /// Leases another instance took.
    pub(crate) leases_lost: AtomicU64,
    /// Commits refused because their lease was another instance's.
    pub(crate) fenced: AtomicU64,
}

impl Leases {
    /// The guard every Commit made under a lease carries; `None` when it is not held.
    pub(crate) fn guard(&self, resource: &Resource) -> Option<Guard> {
        let revision = self.lock().get(resource)?.revision;
        Some(Guard::Doc(resource.key(), Some(revision)))
    }

    pub(crate) fn holds(&self, resource: &Resource) -> bool {
        self.lock().contains_key(resource)
    }

    /// The set has changed.
    pub(crate) fn ring(&self) {
        self.changes.fetch_add(1, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// How often the set has changed: whoever saw it at the same count has nothing to look for.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// How often the lease changed hands.
    pub(crate) fn epoch(&self, resource: &Resource) -> Option<u64> {
        Some(self.lock().get(resource)?.epoch)
    }

    /// The parts of the to-dos that are this instance's.
    pub(crate) fn shards(&self) -> Vec<u32> {
        let shard = |resource: &Resource| if let Resource::Shard(shard) = resource { Some(*shard) } else { None };
        self.lock().keys().filter_map(shard).collect()
    }

    /// The partitions that this instance reads for a consumer.
    pub(crate) fn partitions(&self, of: &str) -> Vec<Partition> {
        let partition = |resource: &Resource| match resource {
            Resource::Lane { consumer, partition } if consumer == of => Some(partition.clone()),
            _ => None,
        };
        self.lock().keys().filter_map(partition).collect()
    }

    /// How many leases of a kind are held.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.lock().keys().filter(|resource| resource.kind() == kind).count()
    }

    /// Drops what a refusal showed to be lost; whether something was.
    pub(crate) fn learn(&self, mismatches: &[Mismatch]) -> bool {
        let mut any = false;
        let is_lease = |mismatch: &Mismatch| matches!(mismatch, Mismatch::Doc(key, _) if key.table == LEASE);
        if mismatches.iter().any(is_lease) {
            Counts::add(&self.counts.fenced);
        }
        for mismatch in mismatches {
            let Mismatch::Doc(key, found) = mismatch else { continue };
            let Ok(resource) = key.id.parse::<Resource>() else { continue };
            let mut held = self.lock();
            let lost =
                held.get(&resource).is_some_and(|held| found.as_ref().map(|d| d.revision) != Some(held.revision));
            if key.table == LEASE && lost {
                held.remove(&resource);
                drop(held);
                Counts::add(&self.counts.leases_lost);
                any = true;
                tracing::warn!(lease = %key.id, "a lease was taken over");
                self.ring();
            }
        }
        any
    }

    /// Whether this instance is the only one of its service.
    pub(crate) fn alone(&self) -> bool {
        !self.others.load(Ordering::Relaxed)
    }

    /// The instances that live, as this one last saw them.
    pub(crate) fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, BTreeMap<Resource, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
