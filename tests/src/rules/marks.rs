//! I5: no consumer's cursor passed a fact that it has not handled.

use std::collections::{BTreeMap, BTreeSet};

use bongsu_core::split_type;
use bongsu_runtime::{Service, ports::broker::Attributes};
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

/// The subject of a context: of which context, and which stream there.
type Subject = (String, String);
/// How far a consumer has to be with each subject.
type Due<'f> = BTreeMap<&'f Subject, u64>;

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

fn agree(due: &Due<'_>, marks: &BTreeMap<Subject, Mark>) -> Result<(), String> {
    for (subject, last) in due {
        match marks.get(*subject) {
            None => return Err(format!("{subject:?} has facts up to {last} and no mark")),
            Some(mark) if mark.sequence < *last => {
                return Err(format!("{subject:?} has facts up to {last}, its mark stands at {}", mark.sequence));
            }
            Some(mark) if mark.queued => return Err(format!("{subject:?} still waits in a queue: {mark:?}")),
            Some(_) => {}
        }
    }
    let beyond = marks.iter().find(|(subject, mark)| due.get(subject).is_none_or(|last| mark.sequence > *last));
    match beyond {
        Some((subject, mark)) => {
            let last = due.get(subject).copied().unwrap_or(0);
            Err(format!("{subject:?} has facts up to {last}, its mark is beyond: {mark:?}"))
        }
        None => Ok(()),
    }
}

/// A fact, as far as who has to hear it goes.
struct FactToHear {
    subject: Subject,
    name: String,
    sequence: u64,
}

fn read_facts(dump: &Dump, told: &mut Vec<FactToHear>) -> Result<(), String> {
    for fact in dump.facts.iter().flat_map(|told| &told.facts) {
        let read = Attributes::read(&fact.cloudevent).map_err(|error| format!("{} is no fact: {error}", fact.id))?;
        let name = split_type(&read.kind).map_or(&*read.kind, |(name, _)| name).to_owned();
        let subject = (read.source.into_owned(), read.subject.into_owned());
        told.push(FactToHear { subject, name, sequence: read.sequence });
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

fn marks(dump: &Dump, consumer: &str) -> Result<BTreeMap<Subject, Mark>, String> {
    let of_it = |id: &str| -> Option<Subject> {
        let (source, subject) = id.strip_prefix(consumer)?.strip_prefix('/')?.split_once('/')?;
        Some((source.to_owned(), subject.to_owned()))
    };
    let found = dump.table("seen").filter_map(|doc| Some((of_it(&doc.key.id)?, doc)));
    found
        .map(|(subject, doc)| {
            let mark = serde_json::from_slice(&doc.data).map_err(|error| format!("{}: {error}", doc.key))?;
            Ok((subject, mark))
        })
        .collect()
}
