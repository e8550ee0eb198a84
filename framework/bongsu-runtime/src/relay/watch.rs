//! Every instance asks the broker for itself whether this store's history is the one it has: commands are answered only
//! where somebody will hear of them.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    commit::core::Core,
    ports::broker::Place,
    relay::{
        agree::{Agreement, ask},
        history::remedy,
    },
};

/// How often it is asked once it is known: it changes only when an operator restores something, and somebody may wait.
const LOOK: Duration = Duration::from_secs(2);
/// How often as long as it is not known, or the histories have parted: no command is decided until then, so nobody should
/// wait for longer than a person notices.
const SOON: Duration = Duration::from_millis(250);
/// A broker that does not answer for so long after the start does not keep a service from working.
const PATIENCE: Duration = Duration::from_secs(3);

impl Core {
    /// Notes what was found, and says it when it is news.
    pub(crate) fn history_is(self: &Arc<Self>, agreement: &Agreement) {
        let parted = match agreement {
            Agreement::Parted(why) => Some(why.clone()),
            _ => None,
        };
        let before = std::mem::replace(&mut *self.histories.lock(), parted.clone());
        match (&before, &parted) {
            (None, Some(why)) => {
                let remedy = remedy(self);
                self.health.parted(&format!("{why}; {remedy}"));
                tracing::error!(
                    code = "history-parted",
                    reason = why,
                    remedy,
                    "this store's history is not the one that was published: nothing is published and no command is taken"
                );
            }
            (Some(_), None) => {
                self.health.is_one();
                tracing::info!("store and broker have one history again");
            }
            _ => {}
        }
        self.know();
    }

    fn know(&self) {
        self.histories.known.store(true, Ordering::Release);
        self.histories.rung.notify_waiters();
    }
}

/// Asks now and then, for ever.
pub(crate) async fn watch(core: Arc<Core>) {
    let start = core.env.mono();
    loop {
        if let Ok(standing) = core.broker.standing(core.map.name).await
            && let Ok((_, agreement)) = ask(&core, &standing, Place::default()).await
        {
            core.history_is(&agreement);
        } else if !core.histories.is_known() && core.env.mono().saturating_sub(start) > PATIENCE {
            core.know();
        }
        let settled = core.histories.is_known() && core.histories.parted().is_none();
        core.env.sleep(if settled { LOOK } else { SOON }).await;
    }
}
