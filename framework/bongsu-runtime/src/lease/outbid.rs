//! A relay whose store was restored from a copy: its epoch is older than what the broker saw, and always would be.

use std::sync::atomic::Ordering;

use crate::{
    commit::{attempt::Tried, core::Core, leases::Held},
    lease::keeper::change,
    ports::store::StoreError,
    records::lease::{Lease, Resource},
};

/// Raises the epoch of a lease this instance holds above one that is known elsewhere: a store that was restored from a
/// copy counts from where the copy was. False when the lease is another's in this store.
pub(crate) async fn outbid(core: &Core, resource: &Resource, known: u64) -> Result<bool, StoreError> {
    let Some(Held { revision, epoch }) = core.leases.lock().get(resource).copied() else { return Ok(false) };
    let epoch = epoch.max(known) + 1;
    let incarnation = core.leases.incarnation.load(Ordering::Relaxed);
    let lease = Lease { slot: core.settings.slot.clone(), incarnation, epoch };
    let commit = change(resource, Some(revision), &lease);
    let id = commit.id;
    match core.attempt_documents(commit).await? {
        Tried::Done => {
            core.leases.lock().insert(resource.clone(), Held { revision: id, epoch });
            core.leases.ring();
            Ok(true)
        }
        Tried::Overtaken(_) => Ok(false),
        Tried::Unknown(why) => Err(StoreError::Unknown(why)),
    }
}
