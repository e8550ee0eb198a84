//! One task for all reads that wait for a read model.
//!
//! Marks this process writes wake at once (`commit/submit.rs`, when their Commit is durable). Those of other instances
//! are found here, in one reading, whenever another instance rang or a tick passed.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{commit::core::Core, ports::store::Position};

/// Other instances' marks are looked for at most once in this time: the reads cost little, and a person sees no difference.
const BREATH: Duration = Duration::from_millis(50);

/// Looks for what other instances wrote, while somebody waits.
pub(crate) async fn run(core: Arc<Core>) {
    loop {
        let keys = core.waiters.keys();
        if keys.is_empty() && core.waiters.many.load(Ordering::Relaxed) == 0 {
            core.waiters.rung.notified().await;
            continue;
        }
        // Marks do not move the feed: only a ring or a tick ends this.
        core.store.changed(Position(u64::MAX)).await;
        core.env.sleep(BREATH).await;
        let keys = core.waiters.keys();
        if let Ok(docs) = core.store.docs(keys.clone()).await {
            let revisions = docs.into_iter().map(|doc| doc.map(|doc| doc.revision));
            core.waiters.found(&keys.into_iter().zip(revisions).collect());
        }
    }
}
