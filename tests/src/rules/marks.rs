//! I5: no consumer's cursor passed a fact that it has not handled.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bongsu_core::split_type;
use bongsu_runtime::{Service, ports::broker::kind_of};
use serde::Deserialize;

use super::Checked;
use crate::{
    evidence::{Dump, Evidence},
    mall::maps,
};

/// What a consumer has noted of a subject, as the runtime keeps it.
#[derive(Debug, Deserialize)]
struct Mark {
    sequence: u64,
    #[serde(default)]
    queued: bool,
}

/// How far a consumer has to be with each subject, CONTEXT/STREAM.
type Due<'f> = HashMap<&'f str, u64>;
/// How far it is.
type Marks<'d> = HashMap<&'d str, Mark>;

/// I5, at the end, for every consumer and every fact of a type it hears: the mark of the fact's subject is the last of
/// these facts, neither less nor more, and nothing of it waits in a queue. Of a read model, the generation that is shown.
pub(super) fn marks_cover_facts(evidence: &Evidence) -> Checked {
    let mut told = Vec::new();
    for dump in evidence.stores.values() {
        read_facts(dump, &mut told)?;
    }
    let mut looked = 0;
    for map in maps() {
        let Some(dump) = evidence.stores.get(map.name()) else { continue };
        for (consumer, heard) in consumers(&map) {
            let name = dump.reader(consumer);
            let due = due(&told, &heard);
            let marks = marks(dump, &name).map_err(|why| format!("{}: {why}", map.name()))?;
            agree(&due, &marks).map_err(|why| format!("{}: {name}: {why}", map.name()))?;
            looked += due.len() as u64;
        }
    }
    Ok(looked)
}

fn agree(due: &Due<'_>, marks: &Marks<'_>) -> Result<(), String> {
    let behind = due.iter().filter_map(|(subject, last)| Some((subject, what_lacks(*last, marks.get(subject))?)));
    let past = |(subject, mark): (_, &Mark)| {
        let last = due.get(subject).copied().unwrap_or(0);
        let is_past = mark.sequence > last || !due.contains_key(subject);
        is_past.then(|| (subject, format!("has facts up to {last}, its mark is beyond: {mark:?}")))
    };
    let beyond = marks.iter().filter_map(past);
    // The first of them by name, so that a seed always says the same.
    behind.chain(beyond).min().map_or(Ok(()), |(subject, wrong)| Err(format!("{subject} {wrong}")))
}

/// What is wrong with the mark of a subject that has facts up to `last`; `None`: nothing, unless it is beyond them.
fn what_lacks(last: u64, mark: Option<&Mark>) -> Option<String> {
    match mark {
        None => Some(format!("has facts up to {last} and no mark")),
        Some(mark) if mark.sequence < last => {
            Some(format!("has facts up to {last}, its mark stands at {}", mark.sequence))
        }
        Some(mark) if mark.queued => Some(format!("still waits in a queue: {mark:?}")),
        Some(_) => None,
    }
}

/// A fact, as far as who has to hear it goes.
struct FactToHear {
    subject: String,
    name: String,
    sequence: u64,
}

fn read_facts(dump: &Dump, told: &mut Vec<FactToHear>) -> Result<(), String> {
    for fact in dump.facts.iter().flat_map(|told| &told.facts) {
        let kind = kind_of(&fact.cloudevent).ok_or_else(|| format!("{} has no type", fact.id))?;
        let name = split_type(kind).map_or(kind, |(name, _)| name).to_owned();
        told.push(FactToHear { subject: format!("{}/{}", fact.topic, fact.subject), name, sequence: fact.sequence });
    }
    Ok(())
}

/// The consumers of a map, with the names of the facts they hear, without versions.
fn consumers(map: &Service) -> BTreeMap<&str, BTreeSet<String>> {
    let mut consumers: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (fact, by) in map.hears() {
        let name = split_type(&fact).map_or(&*fact, |(name, _)| name).to_owned();
        consumers.entry(by).or_default().insert(name);
    }
    consumers
}

/// The greatest sequence of what is heard of each subject.
fn due<'f>(told: &'f [FactToHear], heard: &BTreeSet<String>) -> Due<'f> {
    let mut due = Due::new();
    for fact in told.iter().filter(|fact| heard.contains(&fact.name)) {
        let last = due.entry(&fact.subject).or_default();
        *last = fact.sequence.max(*last);
    }
    due
}

fn marks<'d>(dump: &'d Dump, consumer: &str) -> Result<Marks<'d>, String> {
    let of_it = |id: &'d str| id.strip_prefix(consumer)?.strip_prefix('/');
    let found = dump.table("seen").filter_map(|doc| Some((of_it(&doc.key.id)?, doc)));
    found
        .map(|(subject, doc)| {
            let mark = serde_json::from_slice(&doc.data).map_err(|error| format!("{}: {error}", doc.key))?;
            Ok((subject, mark))
        })
        .collect()
}
