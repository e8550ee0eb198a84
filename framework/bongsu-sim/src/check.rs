//! Rules that hold for every event-driven system, whatever it is about.
//!
//! Each says how many things it looked at, or what is wrong. The numbers in the names are those usual for such
//! rules in this project: I2 atomic publish, I3 order, I4 effect exactly once, I5 offset safety, I10 convergence,
//! I11 snapshot soundness, I15 the fence.
//! A rule that looked at nothing has failed: pass its result to [`Sim::check`](crate::Sim::check), or let it
//! [`watch`](crate::Sim::watch).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::RangeInclusive,
};

use bongsu_runtime::ports::{
    broker::{Attributes, In, Out, Partition},
    store::{Fact, Position, StoredFacts},
};
use bytes::Bytes;
use hashbrown::{HashMap, HashSet};

use bongsu_memory::{MemoryBroker, MemoryStore};

pub use crate::kernel::moment::Checked;
use crate::kernel::moment::Moment;

mod fence;
mod lanes;
mod order;
mod snapshots;
mod timers;
mod todos;

pub use fence::only_the_owner_writes;
pub use lanes::{FactToHear, Lanes, facts_to_hear, reader_of};
pub use order::published_in_order;
pub use snapshots::{snapshots_are_sound, snapshots_only_rise};
pub use timers::timers_are_kept;
pub use todos::{Todo, nothing_is_overdue, todos};

/// How the names of the runtime's own messages begin.
const OWN: &str = "bongsu.";

/// I2, at every instant: nothing is published to `topic` before it is committed in `store`. To be watched.
pub fn published_is_committed(store: MemoryStore, topic: &'static str) -> impl FnMut(&Moment<'_>) -> Checked + Send {
    let mut committed = BTreeSet::new();
    let mut after = 0;
    move |moment| {
        let Moment::Published { batch, .. } = moment else { return Ok(0) };
        let mut looked = 0;
        for out in batch.iter().filter(|out| out.topic == topic) {
            if is_from(&store, out) {
                looked += 1;
                continue;
            }
            // Published anew under another place, a mark of the runtime's own, or too early.
            let told = told(&out.cloudevent)?;
            if told.kind.starts_with(OWN) {
                continue;
            }
            looked += 1;
            catch_up(&store, topic, &mut after, &mut committed);
            if !committed.contains(&*told.id) {
                return Err(format!("{} of {} was published before it was committed", told.id, told.subject));
            }
        }
        Ok(looked)
    }
}

/// Whether the store holds this message at the place it names.
fn is_from(store: &MemoryStore, out: &Out) -> bool {
    store.look_at_facts(|told| {
        let at = told.binary_search_by_key(&out.position, |told| told.position.0);
        let fact = at.ok().and_then(|at| told[at].facts.get(out.ordinal as usize));
        fact.is_some_and(|fact| fact.topic == out.topic && fact.cloudevent == out.cloudevent)
    })
}

/// I2, at the end: what the store holds for a topic is what the topic holds, byte for byte.
///
/// # Errors
/// The first fact that is missing on one side or differs.
pub fn atomic_publish(store: &MemoryStore, broker: &MemoryBroker, topic: &str) -> Checked {
    store.look_at_facts(|told| {
        let mut stored: HashMap<&str, (&Bytes, bool)> =
            facts(told, topic).map(|fact| (fact.id.as_str(), (&fact.cloudevent, false))).collect();
        broker.each(topic, |partition, message, told| {
            if !told.is_fact() {
                return Ok(());
            }
            match stored.get_mut(told.id.as_str()) {
                None => Err(format!("{} is in {} and in no store", told.id, place(partition, message))),
                Some((bytes, _)) if **bytes != message.cloudevent => {
                    Err(format!("{} in {} differs from the store", told.id, place(partition, message)))
                }
                Some((_, published)) => {
                    *published = true;
                    Ok(())
                }
            }
        })?;
        match stored.iter().filter(|(_, (_, published))| !published).map(|(id, _)| id).min() {
            Some(id) => Err(format!("{id} was committed and never published to {topic}")),
            None => Ok(stored.len() as u64),
        }
    })
}

/// I3, in the store: every stream has versions 1, 2, 3… and its positions rise with them; the sequences of the
/// facts of a subject rise.
///
/// # Errors
/// The first event or fact out of order.
pub fn order_in_store(store: &MemoryStore) -> Checked {
    let looked = store.look(|events| {
        let mut streams: HashMap<&str, (u64, Option<Position>)> = HashMap::new();
        for event in events {
            let (version, position) = streams.entry(&event.stream).or_default();
            if event.version != *version + 1 || event.position <= *position {
                let (stream, now) = (&event.stream, event.version);
                return Err(format!("{stream}@{now} at {:?} follows @{version} at {position:?}", event.position));
            }
            (*version, *position) = (event.version, event.position);
        }
        Ok(events.len() as u64)
    })?;
    store.look_at_facts(sequences_rise)?;
    Ok(looked)
}

fn sequences_rise(told: &[StoredFacts]) -> Result<(), String> {
    let mut subjects: HashMap<(&str, &str), u64> = HashMap::new();
    for fact in told.iter().flat_map(|told| &told.facts) {
        let sequence = subjects.entry((&fact.topic, &fact.subject)).or_default();
        if fact.sequence <= *sequence {
            return Err(format!("fact {} of {} follows {sequence}", fact.sequence, fact.subject));
        }
        *sequence = fact.sequence;
    }
    Ok(())
}

/// I3, in the topic: all facts of a subject are in one partition, and their first sights are in the order of the
/// store without a gap. Later repetitions are allowed.
///
/// # Errors
/// The first fact out of place.
pub fn order_in_partitions(store: &MemoryStore, broker: &MemoryBroker, topic: &str) -> Checked {
    let mut subjects: HashMap<String, Subject> = HashMap::new();
    store.look_at_facts(|told| {
        for fact in facts(told, topic) {
            subjects.entry(fact.subject.clone()).or_default().order.push(fact.sequence);
        }
    });
    let mut looked = 0;
    broker.each(topic, |partition, message, told| {
        if !told.is_fact() {
            return Ok(());
        }
        looked += 1;
        let (subject, sequence) = (&told.subject, told.sequence);
        let Subject { order, home, next } = subjects.entry(subject.clone()).or_default();
        let home = *home.get_or_insert(partition.index);
        if home != partition.index {
            return Err(format!("{subject} is in partitions {home} and {}", partition.index));
        }
        if order.get(*next) == Some(&sequence) {
            *next += 1;
        } else if !order[..*next].contains(&sequence) {
            let place = place(partition, message);
            let wanted = order.get(*next);
            return Err(format!("{sequence} of {subject} in {place} where {wanted:?} was to come first"));
        }
        Ok(())
    })?;
    Ok(looked)
}

/// What is known of a subject of a topic.
#[derive(Default)]
struct Subject {
    /// Its sequences, as the store has them.
    order: Vec<u64>,
    /// The partition it was first seen in.
    home: Option<u32>,
    /// How many of them were seen.
    next: usize,
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
        looked += broker.range(&partition, 0..next, |message, _| match settled(&consumer, &partition, message) {
            true => Ok(()),
            false => Err(format!("{consumer} is at {next} and has not settled {}", place(&partition, message))),
        })?;
    }
    Ok(looked)
}

/// I2, at the end: every fact is in the broker once, but for the copies that the simulator made itself: a producer that
/// asks again is recognised. `repeated` is how many of these there can be: one number, unless some were forgotten. Facts
/// that a refill published again are its own.
///
/// # Errors
/// How many copies there are, when it is not as many.
pub fn published_once(broker: &MemoryBroker, repeated: RangeInclusive<u64>) -> Checked {
    let mut ids = HashSet::new();
    let mut copies = 0;
    for topic in broker.topics() {
        broker.each(&topic, |_, message, told| {
            copies += u64::from(message.refill == 0 && !ids.insert(told.id.clone()));
            Ok(())
        })?;
    }
    if !repeated.contains(&copies) {
        return Err(format!("{copies} copies were published, {repeated:?} of them by the simulator"));
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

fn facts<'t>(told: &'t [StoredFacts], topic: &'t str) -> impl Iterator<Item = &'t Fact> {
    told.iter().flat_map(|told| &told.facts).filter(move |fact| fact.topic == topic)
}

/// Notes the facts of a topic that were committed since the last time.
fn catch_up(store: &MemoryStore, topic: &str, after: &mut usize, committed: &mut BTreeSet<String>) {
    store.look_at_facts(|told| {
        committed.extend(facts(&told[*after..], topic).map(|fact| fact.id.clone()));
        *after = told.len();
    });
}

fn told(cloudevent: &[u8]) -> Result<Attributes<'_>, String> {
    Attributes::read(cloudevent).map_err(|error| format!("a message is not a fact: {error}"))
}

fn place(partition: &Partition, message: &In) -> String {
    format!("{}/{}@{}", partition.topic, partition.index, message.offset)
}
