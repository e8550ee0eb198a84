//! I16: a fact that cannot be handled holds up its own key, in order, and nobody else.

use std::collections::{BTreeMap, BTreeSet};

use bongsu_runtime::ports::store::{Position, StoredEvent};
use serde::{Deserialize, de::DeserializeOwned};

use crate::evidence::{Dump, Evidence};

/// What an operator did about a parked fact.
const RETRIED: &str = "bongsu.parked-fact-retried";
/// With so many parked, somebody else's fact must have been handled meanwhile.
const SURELY: usize = 3;

/// Of the event about a retry.
#[derive(Deserialize)]
struct Retried {
    key: String,
    fact: Parked,
}

/// The fact that was parked, as its envelope names it.
#[derive(Deserialize)]
struct Parked {
    id: String,
    source: String,
}

#[derive(Deserialize)]
struct Meta {
    id: String,
    causation: String,
}

/// An event, with its store and its place there.
type Place<'e> = (&'e str, Option<Position>, &'e StoredEvent);
/// Every event of a run, by its id.
type Places<'e> = BTreeMap<String, Place<'e>>;

/// How much a run shows of parked facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Isolated {
    /// Facts that were parked until an operator had them tried again.
    pub parked: u64,
    /// Effects of other facts that came later and did not wait for them.
    pub went_on: u64,
}

/// I16: neither a parked fact nor one of its subject that came after it had an effect before the operator's last retry,
/// then they had theirs in order; and facts of other keys that came after it were handled meanwhile.
///
/// # Errors
/// The first fact that was overtaken or held up others.
pub fn isolated(evidence: &Evidence) -> Result<Isolated, String> {
    let mut shown = Isolated::default();
    let retried: Vec<_> = evidence
        .stores
        .iter()
        .map(|(context, dump)| Ok((*context, dump, last_retries(dump)?)))
        .collect::<Result<Vec<_>, String>>()?;
    if retried.iter().all(|(_, _, retries)| retries.is_empty()) {
        return Ok(shown);
    }
    let places = places(evidence)?;
    for (context, dump, retries) in &retried {
        let mut went_on = 0;
        for (key, (at, fact)) in retries {
            nothing_overtook(dump, key, *at, fact, &places).map_err(|why| format!("{context}: {why}"))?;
            went_on += others(dump, key, *at, fact, &places)?;
        }
        if retries.len() >= SURELY && went_on == 0 {
            return Err(format!("{context}: {} facts were parked and nothing else went on", retries.len()));
        }
        shown.parked += retries.len() as u64;
        shown.went_on += went_on;
    }
    Ok(shown)
}

/// By key: where an operator last had its parked fact tried again.
fn last_retries(dump: &Dump) -> Result<BTreeMap<String, (Option<Position>, Parked)>, String> {
    let mut retries = BTreeMap::new();
    for event in dump.events.iter().filter(|event| event.name == RETRIED) {
        let retried: Retried = read(event, &event.data)?;
        retries.insert(retried.key, (event.position, retried.fact));
    }
    Ok(retries)
}

fn places(evidence: &Evidence) -> Result<Places<'_>, String> {
    let mut places = Places::new();
    for (context, dump) in &evidence.stores {
        for event in &dump.events {
            places.insert(read::<Meta>(event, &event.meta)?.id, (*context, event.position, event));
        }
    }
    Ok(places)
}

/// Between subjects there is no order: another one of the same key may have been heard before.
fn nothing_overtook(
    dump: &Dump,
    key: &str,
    retried: Option<Position>,
    fact: &Parked,
    places: &Places<'_>,
) -> Result<(), String> {
    let (_, _, parked) = place_of(fact, places)?;
    let (mut heard, mut had_effect): (BTreeMap<&str, BTreeSet<u64>>, bool) = Default::default();
    for event in dump.events.iter().filter(|event| is_about(event, key)) {
        let Meta { causation, .. } = read(event, &event.meta)?;
        let Some((_, _, cause)) = places.get(&causation) else { continue };
        let waits = cause.stream == parked.stream && cause.version >= parked.version;
        if waits && event.position < retried {
            return Err(format!("{} overtook the parked {}", what(cause), what(parked)));
        }
        let heard = heard.entry(cause.stream.as_str()).or_default();
        // What an activity brought comes late, and is caused by what was heard before.
        if let Some(last) = heard.last().filter(|last| cause.version < **last && !heard.contains(&cause.version)) {
            return Err(format!("{} was heard after version {last}", what(cause)));
        }
        heard.insert(cause.version);
        had_effect |= causation == fact.id;
    }
    match had_effect {
        true => Ok(()),
        false => Err(format!("{} was tried again and had no effect", what(parked))),
    }
}

/// Effects of facts of other keys that were published after the parked one and handled before it was tried again.
fn others(
    dump: &Dump,
    key: &str,
    retried: Option<Position>,
    fact: &Parked,
    places: &Places<'_>,
) -> Result<u64, String> {
    let (source, since, _) = place_of(fact, places)?;
    let mut count = 0;
    for event in dump.events.iter().filter(|event| event.position < retried && !is_about(event, key)) {
        let Meta { causation, .. } = read(event, &event.meta)?;
        let later = |(store, at, _): &Place<'_>| store == source && at > since;
        count += u64::from(places.get(&causation).is_some_and(later));
    }
    Ok(count)
}

fn place_of<'p, 'e>(fact: &Parked, places: &'p Places<'e>) -> Result<&'p Place<'e>, String> {
    places.get(&fact.id).ok_or_else(|| format!("the parked {} of {} is in no store", fact.id, fact.source))
}

fn what(event: &StoredEvent) -> String {
    format!("{}@{} {}", event.stream, event.version, event.name)
}

fn is_about(event: &StoredEvent, key: &str) -> bool {
    event.stream.split_once('/').is_some_and(|(aggregate, id)| id == key && aggregate != "operator")
}

fn read<T: DeserializeOwned>(event: &StoredEvent, from: &[u8]) -> Result<T, String> {
    serde_json::from_slice(from).map_err(|error| format!("{}@{}: {error}", event.stream, event.version))
}
