//! I4 and I5 for services on this project's runtime: what each consumer has applied, fact by fact.
//!
//! A mark says how far a consumer is with a subject, so that a fact lost in the middle hides under a later mark. What
//! was applied is therefore taken down Commit by Commit, as it is written, and compared with the facts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bongsu_core::split_type;
use bongsu_runtime::{
    Service,
    ports::{
        broker::{Partition, kind_of},
        name::Name,
        store::{CommitId, DocKey, Fact, StoredEvent},
    },
};
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    check::place,
    kernel::moment::{Checked, Moment},
};
use bongsu_memory::{MemoryBroker, MemoryStore, PublishedFact};

/// How often it compares cursors with facts: every so many Commits, and at every crash.
const EVERY: u64 = 16;

/// A lane's cursor, as the runtime keeps it.
#[derive(Deserialize)]
struct Cursor {
    log: String,
    offset: u64,
    #[serde(default)]
    refill: Option<u64>,
}

/// The mark of a subject, as the runtime keeps it.
#[derive(Deserialize)]
struct Seen {
    sequence: u64,
}

/// Who did something, because of what.
#[derive(Deserialize)]
struct Meta<'e> {
    #[serde(borrow)]
    correlation: std::borrow::Cow<'e, str>,
    #[serde(borrow)]
    causation: std::borrow::Cow<'e, str>,
}

/// What the lanes of one service do: a rule to be watched, and one for the end.
#[derive(Clone)]
pub struct Lanes(Arc<Mutex<State>>);

struct State {
    /// The store's name, among those of a run.
    name: &'static str,
    store: MemoryStore,
    broker: MemoryBroker,
    /// The facts each consumer of the map hears, without versions.
    hears: HashMap<String, HashSet<String>>,
    /// By cursor: the revision last looked at, the history it belongs to, and its offset.
    passed: BTreeMap<Name, Passed>,
    /// By mark: what was applied of a subject.
    applied: HashMap<String, Applied>,
    commits: u64,
}

#[derive(Default)]
struct Passed {
    revision: Option<CommitId>,
    log: String,
    offset: u64,
}

/// The facts of one subject that one consumer has applied, or put aside durably.
#[derive(Default)]
struct Applied {
    /// Each in a Commit of its own.
    one_by_one: BTreeSet<u64>,
    /// All up to here, many in one Commit: a rebuild folds in memory. That it folds all is another rule's (I6).
    at_once: u64,
    last: u64,
}

impl Applied {
    fn has(&self, sequence: u64) -> bool {
        sequence <= self.at_once || self.one_by_one.contains(&sequence)
    }
}

impl Lanes {
    /// The lanes of a service over the store called `name`. Nothing is known of Commits before it is watched.
    pub fn of(name: &'static str, store: MemoryStore, broker: MemoryBroker, service: &Service) -> Self {
        let mut hears: HashMap<String, HashSet<String>> = HashMap::new();
        for (fact, by) in service.hears() {
            hears.entry(by.to_owned()).or_default().insert(unversioned(&fact).to_owned());
        }
        let state = State { name, store, broker, hears, passed: BTreeMap::new(), applied: HashMap::new(), commits: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    /// I4, I5, I16 and I17, while a run goes on. At every Commit: a mark never goes back, and what happens because of a
    /// fact is in one Commit with the note that it is done. At every crash and at every 16th Commit: every message
    /// behind a lane's cursor whose name its consumer declares, in whatever schema, was itself marked, be it handled or
    /// queued as a to-do: none is skipped, be it poison, of an unknown schema, or in the middle of others. In the midst
    /// of a refill lanes pass over what comes again: that is looked at when the refill has ended. To be watched.
    pub fn stay_safe(&self) -> impl FnMut(&Moment<'_>) -> Checked + Send + use<> {
        let lanes = self.clone();
        move |moment| lanes.state().see(moment)
    }

    /// The same at the end: behind the cursors.
    ///
    /// # Errors
    /// The first message that a cursor has passed and nobody applied, and documents that are not what the runtime writes.
    pub fn are_safe(&self) -> Checked {
        let mut state = self.state();
        state.passed.clear();
        state.look()
    }

    /// And by the facts of a context ([`facts_to_hear`]), whatever the broker still has: at the end each of them was applied by
    /// every consumer that hears its name. Read models are asked in the generation that is shown.
    ///
    /// # Errors
    /// The first fact that a consumer has never applied.
    pub fn have_applied(&self, facts: &[FactToHear]) -> Checked {
        self.state().compare(facts)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn see(&mut self, moment: &Moment<'_>) -> Checked {
        match moment {
            Moment::Committed { store, commit, wrote, .. } if *store == self.name => {
                self.take_down(*commit, wrote)?;
                self.commits += 1;
                if self.commits.is_multiple_of(EVERY) { self.look() } else { Ok(0) }
            }
            Moment::Crashed(_) => self.look(),
            _ => Ok(0),
        }
    }

    /// Takes down what a Commit says to have applied.
    fn take_down(&mut self, commit: CommitId, wrote: &[DocKey]) -> Result<(), String> {
        let at_once = wrote.iter().any(|key| key.table == "rebuild");
        for key in wrote.iter().filter(|key| key.table == "seen") {
            let Some(data) = self.store.data("seen", &key.id) else {
                // Of a generation that nobody will ask for again.
                self.applied.remove(key.id.as_str());
                continue;
            };
            let Seen { sequence } = read(key, &data)?;
            let applied = self.applied.entry_ref(key.id.as_str()).or_default();
            if sequence < applied.last {
                return Err(format!("{key} was set back from {} to {sequence}", applied.last));
            }
            applied.last = sequence;
            match at_once {
                true => applied.at_once = sequence,
                false => drop(applied.one_by_one.insert(sequence)),
            }
        }
        if at_once || wrote.iter().any(|key| self.is_note(key)) {
            return Ok(());
        }
        if let Some(row) = wrote.iter().find(|key| key.table.contains('@')) {
            return Err(format!("{row} was written, and its Commit does not note because of what"));
        }
        self.store.look(|events| has_no_cause_to_note(commit, events))
    }

    /// Whether what was written says that something is done: a mark, a queue of facts, a to-do that is gone.
    fn is_note(&self, key: &DocKey) -> bool {
        let is_done = || key.id.starts_with("fact/") || self.store.data("todo", &key.id).is_none();
        key.table == "seen" || key.table == "todo" && is_done()
    }

    /// Looks at what the cursors have passed since the last time.
    fn look(&mut self) -> Checked {
        let mut looked = 0;
        let log = format!("{:032x}", self.broker.history().0);
        for doc in self.store.docs_of("cursor").into_iter().filter(|doc| doc.key.id != "relay") {
            let passed = self.passed.entry(doc.key.id.clone()).or_default();
            if passed.revision == Some(doc.revision) {
                continue;
            }
            let Cursor { log: of, offset, refill } = read(&doc.key, &doc.data)?;
            if of != log || refill.is_some() {
                continue;
            }
            if passed.log != of {
                *passed = Passed { log: of, ..Passed::default() };
            }
            let (consumer, partition) = lane(&doc.key)?;
            let hears = self.hears.get(reader_of(consumer));
            let applied = &self.applied;
            let mut mark = String::new();
            looked += self.broker.range(&partition, passed.offset..offset, |message, told| {
                let is_heard = hears.is_some_and(|hears| hears.contains(&told.name));
                match !is_heard || is_applied(applied, &mut mark, consumer, told) {
                    true => Ok(()),
                    false => {
                        let what = told.sequence;
                        let at = place(&partition, message);
                        let subject = &told.subject;
                        let store = self.name;
                        Err(format!("{store}: {consumer} is at {offset} and never applied {what} of {subject}, {at}"))
                    }
                }
            })?;
            passed.revision = Some(doc.revision);
            passed.offset = offset.max(passed.offset);
        }
        Ok(looked)
    }

    fn compare(&self, facts: &[FactToHear]) -> Checked {
        let shown = |consumer: &str| match consumer.contains('@') {
            true => format!("{consumer}.{}", generation(&self.store, consumer)),
            false => consumer.to_owned(),
        };
        let consumers: Vec<(String, &HashSet<String>)> =
            self.hears.iter().map(|(consumer, hears)| (shown(consumer), hears)).collect();
        let mut looked = 0;
        let mut mark = String::new();
        for FactToHear { source, name, subject, sequence } in facts {
            for (consumer, _) in consumers.iter().filter(|(_, hears)| hears.contains(name)) {
                name_mark(&mut mark, consumer, source, subject);
                if !self.applied.get(&mark).is_some_and(|applied| applied.has(*sequence)) {
                    let store = self.name;
                    return Err(format!("{store}: {consumer} never applied {sequence} of {subject}"));
                }
                looked += 1;
            }
        }
        Ok(looked)
    }
}

/// A fact of a context, as far as who has to hear it goes.
#[derive(Debug)]
pub struct FactToHear {
    source: String,
    /// Its wire name, without the version.
    name: String,
    subject: String,
    sequence: u64,
}

/// All facts of a context, read once for every consumer that is asked ([`Lanes::have_applied`]).
///
/// # Errors
/// A fact without a type.
pub fn facts_to_hear(store: &MemoryStore) -> Result<Vec<FactToHear>, String> {
    store.look_at_facts(|all| {
        let of = |fact: &Fact| {
            let kind = kind_of(&fact.cloudevent).ok_or_else(|| format!("{} has no type", fact.id))?;
            let (source, subject) = (fact.topic.clone(), fact.subject.clone());
            Ok(FactToHear { source, name: unversioned(kind).to_owned(), subject, sequence: fact.sequence })
        };
        all.iter().flat_map(|told| &told.facts).map(of).collect()
    })
}

/// A Commit that takes nothing off any list holds nothing that a fact has caused: it would be done again.
fn has_no_cause_to_note(commit: CommitId, events: &[StoredEvent]) -> Result<(), String> {
    for event in events.iter().rev().take_while(|event| event.commit == commit) {
        // Of events that are not the runtime's nothing is known.
        let Ok(Meta { correlation, causation }) = serde_json::from_slice(&event.meta) else { continue };
        if causation != correlation {
            let (stream, version) = (&event.stream, event.version);
            return Err(format!("{stream}@{version} follows from {causation}, and its Commit does not note that"));
        }
    }
    Ok(())
}

fn is_applied(
    applied: &HashMap<String, Applied>,
    mark: &mut String,
    consumer: &str,
    PublishedFact { source, subject, sequence, .. }: &PublishedFact,
) -> bool {
    name_mark(mark, consumer, source, subject);
    applied.get(mark.as_str()).is_some_and(|applied| applied.has(*sequence))
}

/// The mark of a subject, as the runtime names it, in the place of what was there: this is asked too often for a text of its
/// own.
fn name_mark(mark: &mut String, consumer: &str, source: &str, subject: &str) {
    mark.clear();
    mark.extend([consumer, "/", source, "/", subject]);
}

/// The generation that is shown of a read model.
fn generation(store: &MemoryStore, root: &str) -> u64 {
    let shown = store.doc("projection", root);
    let shown = shown.and_then(|doc| serde_json::from_slice::<serde_json::Value>(&doc.data).ok());
    shown.and_then(|shown| shown["generation"].as_u64()).unwrap_or(1)
}

fn unversioned(kind: &str) -> &str {
    split_type(kind).map_or(kind, |(name, _)| name)
}

/// The consumer and the partition of a cursor.
fn lane(key: &DocKey) -> Result<(&str, Partition), String> {
    let mut parts = key.id.rsplitn(3, '/');
    let (index, topic, consumer) = (parts.next(), parts.next(), parts.next());
    match (consumer, topic, index.and_then(|index| index.parse().ok())) {
        (Some(consumer), Some(topic), Some(index)) => Ok((consumer, Partition { topic: topic.to_owned(), index })),
        _ => Err(format!("{key} is no cursor of a lane")),
    }
}

/// The name in the map of who keeps a cursor: lanes of a read model write under NAME@VERSION.generation, the map
/// says NAME@VERSION.
pub fn reader_of(consumer: &str) -> &str {
    consumer.rsplit_once('.').filter(|(root, _)| root.contains('@')).map_or(consumer, |(root, _)| root)
}

fn read<T: DeserializeOwned>(key: &DocKey, data: &[u8]) -> Result<T, String> {
    serde_json::from_slice(data).map_err(|error| format!("{key}: {error}"))
}
