//! What stands in the way of readiness.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use tokio::sync::Notify;

use crate::{commit::fail::CommandError, ports::store::StoreError, records::lease::Resource};

/// What `/health/ready` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whether requests may come.
    pub ready: bool,
    /// What stands in the way, or is degraded.
    pub reasons: Vec<String>,
}

/// Why a lane stands still.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standstill {
    /// What it has to read next is gone from the broker.
    History,
    /// For some time now it cannot write what it reads.
    Store,
    /// Too many facts of one key wait for an operator. Everything else of it is handled: nobody waits for it.
    Operator,
}

impl Standstill {
    /// What a lane does then. It is read beside the state of its process, which has not stopped.
    fn word(self) -> &'static str {
        match self {
            Self::History => "reads no further",
            Self::Store => "tries again and again",
            Self::Operator => "waits for an operator",
        }
    }
}

#[derive(Default)]
pub(crate) struct Health {
    facts: Mutex<Facts>,
    over: Notify,
}

#[derive(Default)]
pub(crate) struct Facts {
    joined: bool,
    pub(crate) caught_up: bool,
    /// What a read model has not read yet, while that stands in the way.
    pub(crate) waiting: Option<String>,
    /// Why nothing is done here any more.
    over: Option<String>,
    damaged: Option<String>,
    /// Why the store was not written last, by whoever writes all the time. What is read is answered, so it is named beside.
    away: Option<String>,
    /// Why this store's history is not the broker's.
    parted: Option<String>,
    /// Lanes that stand still, and why.
    pub(crate) halted: BTreeMap<Resource, (Standstill, String)>,
    pub(crate) progress: BTreeMap<Resource, u64>,
    /// Read models that were never filled and cannot be now, and what to do about it: they are not read, all else is.
    pub(crate) unfilled: BTreeMap<String, String>,
}

impl Health {
    pub(crate) fn status(&self) -> Status {
        let facts = self.lock();
        let mut reasons = Vec::new();
        if !facts.joined {
            reasons.push("leases are not taken yet".to_owned());
        }
        if !facts.caught_up {
            let waiting = facts.waiting.iter().map(|what| format!(": {what}"));
            let what = "read models have not caught up with what was published before the start";
            reasons.push(std::iter::once(what.to_owned()).chain(waiting).collect());
        }
        reasons.extend(facts.over.clone());
        reasons.extend(facts.damaged.clone());
        let ready = reasons.is_empty();
        reasons.extend(facts.away.clone().filter(|_| facts.damaged.is_none()));
        reasons.extend(facts.unfilled.iter().map(|(root, why)| format!("{root} is not shown: {why}")));
        reasons.extend(facts.parted.iter().map(|why| format!("history {}: {why}", Standstill::History.word())));
        reasons.extend(
            facts.halted.iter().map(|(lane, (standstill, why))| format!("{lane} {}: {why}", standstill.word())),
        );
        Status { ready, reasons }
    }

    pub(crate) fn joined(&self) {
        self.lock().joined = true;
    }

    /// Nothing is done here any more.
    pub(crate) fn over(&self, why: &str) {
        self.lock().over.get_or_insert_with(|| why.to_owned());
        self.over.notify_waiters();
    }

    /// Resolves with the reason once nothing is done here any more.
    pub(crate) async fn until_over(&self) -> String {
        loop {
            let rung = self.over.notified();
            if let Some(why) = self.lock().over.clone() {
                return why;
            }
            rung.await;
        }
    }

    /// Notes what does not pass by itself: a damaged store takes nothing more until a process opens it anew.
    pub(crate) fn store_failed(&self, context: &str, error: &StoreError) {
        if let StoreError::Corrupt(_) = error {
            self.lock().damaged = Some(format!("{error}; bongsu restart {context} opens it anew"));
        }
    }

    /// Notes that the store was not written; true when that is news.
    pub(crate) fn store_is_away(&self, error: &StoreError) -> bool {
        self.lock().away.replace(error.to_string()).is_none()
    }

    /// Notes that it was; true when that is news.
    pub(crate) fn store_is_back(&self) -> bool {
        self.lock().away.take().is_some()
    }

    /// Requests may come; these read models are left out.
    pub(crate) fn caught_up(&self, unfilled: BTreeMap<String, String>) {
        let mut facts = self.lock();
        facts.caught_up = true;
        facts.unfilled = unfilled;
    }

    /// Whether a read model may be read; else why not.
    pub(crate) fn is_shown(&self, root: &str) -> Result<(), CommandError> {
        match self.lock().unfilled.get(root) {
            Some(why) => Err(CommandError::Unavailable(format!("{root} is not shown: {why}"))),
            None => Ok(()),
        }
    }

    /// Notes that this store's history is not the broker's.
    pub(crate) fn parted(&self, why: &str) {
        self.lock().parted = Some(why.to_owned());
    }

    /// Notes that both have one history again.
    pub(crate) fn is_one(&self) {
        self.lock().parted = None;
    }

    /// Notes that history is missing.
    pub(crate) fn halt(&self, lane: &Resource, why: &str) {
        self.stands_still(lane, Standstill::History, why);
    }

    pub(crate) fn stands_still(&self, lane: &Resource, standstill: Standstill, why: &str) {
        let mut facts = self.lock();
        facts.halted.insert(lane.clone(), (standstill, why.to_owned()));
        facts.progress.remove(lane);
    }

    pub(crate) fn goes_on(&self, lane: &Resource) {
        self.lock().halted.remove(lane);
    }

    pub(crate) fn progress(&self, lane: &Resource, offset: u64) {
        let mut facts = self.lock();
        match facts.progress.get_mut(lane) {
            Some(known) => *known = offset,
            None => drop(facts.progress.insert(lane.clone(), offset)),
        }
    }

    /// The next offset a lane of this instance reads; 0 when it reads none.
    pub(crate) fn read_up_to(&self, lane: &Resource) -> u64 {
        self.lock().progress.get(lane).copied().unwrap_or(0)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
