//! Rules that hold for every event-driven system, whatever it is about.
//!
//! Each says how many things it looked at, or what is wrong. The numbers in the names are those usual for such
//! rules in this project: I2 atomic publish, I3 order, I4 effect exactly once, I5 offset safety, I10 convergence,
//! I11 snapshot soundness, I15 the fence.
//! A rule that looked at nothing has failed: pass its result to [`Sim::check`](super::Sim::check), or let it
//! [`watch`](super::Sim::watch).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use bongsu_runtime::ports::{
    broker::{Attributes, In, Out, Partition},
    store::{CommitId, DocKey, Fact, Position, Read, Store},
};
use bytes::Bytes;
use futures::FutureExt;

use crate::{MemoryBroker, MemoryStore};

mod fence;
mod lanes;
mod snapshots;
mod timers;
mod todos;

pub use fence::only_the_owner_writes;
pub use lanes::{lanes_are_safe, lanes_stay_safe, reader_of};
pub use snapshots::{snapshots_are_sound, snapshots_only_rise};
pub use timers::timers_are_kept;
pub use todos::{Todo, nothing_is_overdue, todos};

/// How many things a rule looked at, or what is wrong.
pub type Checked = Result<u64, String>;

/// How the names of the runtime's own messages begin.
const OWN: &str = "bongsu.";

/// What has just happened.
#[derive(Clone, Copy, Debug)]
pub enum Moment<'a> {
    /// A Commit was applied; its caller does not know yet.
    Committed {
        /// In this store.
        store: &'static str,
        /// This one.
        commit: CommitId,
        /// Sent by this node.
        by: &'a str,
        /// What it put or deleted.
        wrote: &'a [DocKey],
    },
    /// A batch has reached a broker and will be readable in the next moment.
    Published {
        /// This broker.
        broker: &'static str,
        /// These messages.
        batch: &'a [Out],
    },
    /// A node has died: what is durable now is all that is left of it.
    Crashed(&'a str),
}

/// A rule that watches a run.
pub(super) struct Watch {
    pub(super) name: &'static str,
    pub(super) rule: Box<dyn FnMut(&Moment<'_>) -> Checked + Send>,
}

/// I2, at every instant: nothing is published to `topic` before it is committed in `store`. To be watched.
///
/// The store must answer at once, as the memory store does.
pub fn published_is_committed(
    store: impl Store + 'static,
    topic: &'static str,
) -> impl FnMut(&Moment<'_>) -> Checked + Send {
    let mut committed = BTreeSet::new();
    let mut after = Position(0);
    move |moment| {
        let Moment::Published { batch, .. } = moment else { return Ok(0) };
        let mine = batch.iter().filter(|out| out.topic == topic);
        let told = mine.map(|out| told(&out.cloudevent)).collect::<Result<Vec<_>, _>>()?;
        let told: Vec<Attributes<'_>> = told.into_iter().filter(|told| !told.kind.starts_with(OWN)).collect();
        catch_up(&store, topic, &mut after, &mut committed)?;
        match told.iter().find(|told| !committed.contains(&*told.id)) {
            Some(told) => Err(format!("{} of {} was published before it was committed", told.id, told.subject)),
            None => Ok(told.len() as u64),
        }
    }
}

/// I2, at the end: what the store holds for a topic is what the topic holds, byte for byte.
///
/// # Errors
/// The first fact that is missing on one side or differs.
pub fn atomic_publish(store: &MemoryStore, broker: &MemoryBroker, topic: &str) -> Checked {
    let facts = facts(store, topic);
    let stored: BTreeMap<&str, &Bytes> = facts.iter().map(|fact| (fact.id.as_str(), &fact.cloudevent)).collect();
    let mut published = BTreeSet::new();
    for (partition, messages) in broker.log(topic) {
        for message in messages.into_iter().filter(is_fact) {
            let told = told(&message.cloudevent)?;
            match stored.get(&*told.id) {
                None => return Err(format!("{} is in {} and in no store", told.id, place(&partition, &message))),
                Some(bytes) if **bytes != message.cloudevent => {
                    return Err(format!("{} in {} differs from the store", told.id, place(&partition, &message)));
                }
                Some(_) => published.insert(told.id.into_owned()),
            };
        }
    }
    match stored.keys().find(|id| !published.contains(**id)) {
        Some(id) => Err(format!("{id} was committed and never published to {topic}")),
        None => Ok(published.len() as u64),
    }
}

/// I3, in the store: every stream has versions 1, 2, 3… and its positions rise with them; the sequences of the
/// facts of a subject rise.
///
/// # Errors
/// The first event or fact out of order.
pub fn order_in_store(store: &MemoryStore) -> Checked {
    let events = store.all_events();
    let mut streams: BTreeMap<&str, (u64, Option<Position>)> = BTreeMap::new();
    let mut subjects: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for event in &events {
        let (version, position) = streams.entry(&event.stream).or_default();
        if event.version != *version + 1 || event.position <= *position {
            let (stream, now) = (&event.stream, event.version);
            return Err(format!("{stream}@{now} at {:?} follows @{version} at {position:?}", event.position));
        }
        (*version, *position) = (event.version, event.position);
        for fact in &event.facts {
            let sequence = subjects.entry((&fact.topic, &fact.subject)).or_default();
            if fact.sequence <= *sequence {
                return Err(format!("fact {} of {} follows {sequence}", fact.sequence, fact.subject));
            }
            *sequence = fact.sequence;
        }
    }
    Ok(events.len() as u64)
}

/// I3, in the topic: all facts of a subject are in one partition, and their first sights are in the order of the
/// store without a gap. Later repetitions are allowed.
///
/// # Errors
/// The first fact out of place.
pub fn order_in_partitions(store: &MemoryStore, broker: &MemoryBroker, topic: &str) -> Checked {
    let mut expected: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for fact in facts(store, topic) {
        expected.entry(fact.subject).or_default().push(fact.sequence);
    }
    let mut homes: BTreeMap<String, Partition> = BTreeMap::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut looked = 0;
    for (partition, messages) in broker.log(topic) {
        for message in messages.into_iter().filter(is_fact) {
            looked += 1;
            let Attributes { subject, sequence, .. } = told(&message.cloudevent)?;
            let subject = subject.into_owned();
            let home = homes.entry(subject.clone()).or_insert_with(|| partition.clone());
            if *home != partition {
                return Err(format!("{subject} is in partitions {} and {}", home.index, partition.index));
            }
            let order = expected.get(&subject).map_or(&[][..], Vec::as_slice);
            let next = seen.entry(subject.clone()).or_default();
            if order.get(*next) == Some(&sequence) {
                *next += 1;
            } else if !order[..*next].contains(&sequence) {
                let (place, wanted) = (place(&partition, &message), order.get(*next));
                return Err(format!("{sequence} of {subject} in {place} where {wanted:?} was to come first"));
            }
        }
    }
    Ok(looked)
}

/// I5: no cursor is beyond a message that was not settled. A cursor is (consumer, partition, next offset);
/// `settled` says whether the consumer has handled a message, knows it, or has durably put it aside.
///
/// # Errors
/// The first message that a cursor has passed unsettled.
pub fn offsets_are_safe<S>(
    cursors: impl IntoIterator<Item = (String, Partition, u64)>,
    broker: &MemoryBroker,
    mut settled: S,
) -> Checked
where
    S: FnMut(&str, &Partition, &In) -> bool,
{
    let mut looked = 0;
    for (consumer, partition, next) in cursors {
        for message in broker.range(&partition, 0..next) {
            looked += 1;
            if !settled(&consumer, &partition, &message) {
                return Err(format!("{consumer} is at {next} and has not settled {}", place(&partition, &message)));
            }
        }
    }
    Ok(looked)
}

/// I2, at the end: every fact is in the broker once, but for `repeated` copies that the simulator made itself: a
/// producer that asks again is recognised.
///
/// # Errors
/// How many copies there are too many.
pub fn published_once(broker: &MemoryBroker, repeated: u64) -> Checked {
    let (mut ids, mut copies) = (BTreeSet::new(), 0);
    for (_, messages) in broker.topics().iter().flat_map(|topic| broker.log(topic)) {
        for message in messages {
            copies += u64::from(!ids.insert(told(&message.cloudevent)?.id.into_owned()));
        }
    }
    if copies > repeated {
        return Err(format!("{copies} copies were published, {repeated} of them by the simulator"));
    }
    Ok(ids.len() as u64)
}

/// I4: everything expected was found exactly once, and nothing else was.
///
/// # Errors
/// The first that is missing, unexpected, or there twice.
pub fn exactly_once<K: Ord + fmt::Debug>(
    expected: impl IntoIterator<Item = K>,
    found: impl IntoIterator<Item = K>,
) -> Checked {
    let mut counts: BTreeMap<K, (u64, u64)> = BTreeMap::new();
    expected.into_iter().for_each(|key| counts.entry(key).or_default().0 = 1);
    found.into_iter().for_each(|key| counts.entry(key).or_default().1 += 1);
    match counts.iter().find(|(_, (expected, found))| expected != found) {
        Some((key, (1, 0))) => Err(format!("{key:?} is missing")),
        Some((key, (0, found))) => Err(format!("{key:?} was not expected and is there {found} times")),
        Some((key, (_, found))) => Err(format!("{key:?} is there {found} times")),
        None => Ok(counts.len() as u64),
    }
}

/// I10: a view that grew is the view computed anew.
///
/// # Errors
/// The first key that differs.
pub fn converged<K: Ord + fmt::Debug, V: PartialEq + fmt::Debug>(
    live: &BTreeMap<K, V>,
    anew: &BTreeMap<K, V>,
) -> Checked {
    let keys: BTreeSet<&K> = live.keys().chain(anew.keys()).collect();
    match keys.iter().find(|key| live.get(key) != anew.get(key)) {
        Some(key) => Err(format!("{key:?} is {:?} and should be {:?}", live.get(key), anew.get(key))),
        None => Ok(keys.len() as u64),
    }
}

fn facts(store: &MemoryStore, topic: &str) -> Vec<Fact> {
    let facts = store.all_events().into_iter().flat_map(|event| event.facts);
    facts.filter(|fact| fact.topic == topic).collect()
}

fn catch_up(
    store: &impl Store,
    topic: &str,
    after: &mut Position,
    committed: &mut BTreeSet<String>,
) -> Result<(), String> {
    loop {
        let read = store.read(Read::Facts { after: *after }, 1_000).now_or_never();
        let events = read.ok_or("the store does not answer at once")?.map_err(|error| error.to_string())?;
        let Some(last) = events.last().and_then(|event| event.position) else { return Ok(()) };
        *after = last;
        let facts = events.into_iter().flat_map(|event| event.facts);
        committed.extend(facts.filter(|fact| fact.topic == topic).map(|fact| fact.id));
    }
}

fn told(cloudevent: &[u8]) -> Result<Attributes<'_>, String> {
    Attributes::read(cloudevent).map_err(|error| format!("a message is not a fact: {error}"))
}

/// Whether a message is a context's fact rather than a mark of the runtime's own.
fn is_fact(message: &In) -> bool {
    told(&message.cloudevent).map_or(true, |told| !told.kind.starts_with(OWN))
}

fn place(partition: &Partition, message: &In) -> String {
    format!("{}/{}@{}", partition.topic, partition.index, message.offset)
}
