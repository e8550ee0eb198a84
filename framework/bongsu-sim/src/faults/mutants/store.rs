//! A store between a node and its own that passes on something else than it was given.

use std::{
    mem::take,
    sync::{Arc, Mutex, PoisonError},
};

use bongsu_runtime::ports::{
    Fut,
    store::{
        Commit, CommitId, Doc, DocKey, Fact, Guard, Position, Read, Scan, Store, StoreError, StoredEvent, StoredFacts,
        Verdict,
    },
};
use bytes::Bytes;

use super::commits;
use crate::kernel::env::SimEnv;

/// Every bug that is a store.
pub(super) const STORES: &[(&str, Lie)] = &[
    ("publish-before-commit", Lie::TellsEarly),
    ("position-before-effect", Lie::Writes(commits::position_first)),
    ("highest-offset", Lie::Writes(commits::moves_past_refusals)),
    ("effect-before-mark", Lie::Writes(commits::effect_first)),
    ("once-key-after-handler", Lie::Writes(commits::reply_last)),
    ("cancelled-between-writes", Lie::Writes(commits::first_stream_first)),
    ("no-fence-after-pause", Lie::Writes(commits::unfenced)),
    ("lost-timer", Lie::Writes(commits::without_timers)),
    ("timer-after-state", Lie::Writes(commits::timers_apart)),
    ("timer-in-memory", Lie::Writes(commits::timers_when_due)),
    ("timer-early", Lie::Writes(commits::timers_early)),
    ("timer-late", Lie::Writes(commits::timers_late)),
    ("poison-skipped", Lie::Writes(commits::parks_nothing)),
    ("unknown-event-dropped", Lie::Writes(commits::parks_nothing_newer)),
    ("rebuild-swap-before-catch-up", Lie::Writes(commits::shows_at_once)),
    ("poison-overtaken", Lie::Hides { among: commits::is_mark, what: commits::is_queue }),
    ("short-memory", Lie::Hides { among: commits::is_mark, what: commits::is_mark }),
    ("snapshot-without-version", Lie::Hides { among: commits::is_snapshot, what: commits::is_snapshot }),
];

/// What is under a mutant.
#[derive(Clone)]
pub(super) struct Below {
    pub(super) store: Arc<dyn Store>,
    pub(super) env: Arc<SimEnv>,
}

/// What becomes of a Commit.
pub(super) type Outcome = Fut<'static, Result<Verdict, StoreError>>;

/// How a store lies.
#[derive(Clone, Copy)]
pub(super) enum Lie {
    /// It writes something else.
    Writes(fn(&Below, Commit) -> Outcome),
    /// Some documents are not there for whoever asks for them among others, and nobody minds that they are.
    Hides {
        /// Asked for together with one of these.
        among: fn(&DocKey) -> bool,
        /// These.
        what: fn(&DocKey) -> bool,
    },
    /// The facts of a Commit can be read as soon as it is called.
    TellsEarly,
}

pub(super) struct Mutant {
    below: Below,
    lie: Lie,
    /// Facts whose Commit was called, nobody knows with what verdict.
    early: Mutex<Vec<(CommitId, Vec<Fact>)>>,
}

impl Mutant {
    pub(super) fn new(store: Arc<dyn Store>, env: &Arc<SimEnv>, lie: Lie) -> Self {
        Self { below: Below { store, env: env.clone() }, lie, early: Mutex::default() }
    }

    /// Whether a document is not there for who asks for these.
    fn hides(&self, asked: &[DocKey]) -> impl Fn(&DocKey) -> bool + use<> {
        let hidden = match self.lie {
            Lie::Hides { among, what } if asked.iter().any(among) => Some(what),
            _ => None,
        };
        move |key| hidden.is_some_and(|hidden| hidden(key))
    }

    /// What was called and not told yet, as if it had been applied.
    fn told_early(&self, after: Position) -> Vec<StoredFacts> {
        let early = take(&mut *self.early.lock().unwrap_or_else(PoisonError::into_inner));
        let places = early.into_iter().zip(after.0 + 1..);
        places.map(|((commit, facts), at)| StoredFacts { position: Position(at), commit, facts }).collect()
    }
}

impl Store for Mutant {
    fn commit(&self, mut commit: Commit) -> Outcome {
        match self.lie {
            Lie::Writes(lie) => return lie(&self.below, commit),
            Lie::Hides { what, .. } => {
                commit.guards.retain(|guard| !matches!(guard, Guard::Doc(key, _) if what(key)));
            }
            Lie::TellsEarly => {
                let facts = commit.events.iter().filter(|event| !event.facts.is_empty());
                let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
                early.extend(facts.map(|event| (commit.id, event.facts.clone())));
            }
        }
        self.below.store.commit(commit)
    }

    fn read(&self, what: Read, limit: u32) -> Fut<'_, Result<Vec<StoredEvent>, StoreError>> {
        self.below.store.read(what, limit)
    }

    fn facts(&self, after: Position, limit: u32) -> Fut<'_, Result<Vec<StoredFacts>, StoreError>> {
        let early = self.told_early(after);
        if !early.is_empty() {
            return Box::pin(async move { Ok(early) });
        }
        self.below.store.facts(after, limit)
    }

    fn docs(&self, keys: Vec<DocKey>) -> Fut<'_, Result<Vec<Option<Doc>>, StoreError>> {
        let hidden = self.hides(&keys);
        Box::pin(async move {
            let found = self.below.store.docs(keys).await?;
            Ok(found.into_iter().map(|doc| doc.filter(|doc| !hidden(&doc.key))).collect())
        })
    }

    fn scan(&self, what: Scan) -> Fut<'_, Result<Vec<(Bytes, Doc)>, StoreError>> {
        self.below.store.scan(what)
    }

    fn head(&self) -> Fut<'_, Result<Position, StoreError>> {
        self.below.store.head()
    }

    fn position_of<'a>(&'a self, stream: &'a str, version: u64) -> Fut<'a, Result<Option<Position>, StoreError>> {
        self.below.store.position_of(stream, version)
    }

    fn changed(&self, after: Position) -> Fut<'_, ()> {
        self.below.store.changed(after)
    }

    fn drop_table<'a>(&'a self, table: &'a str) -> Fut<'a, Result<(), StoreError>> {
        self.below.store.drop_table(table)
    }
}
