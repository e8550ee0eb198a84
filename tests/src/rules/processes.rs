//! I4, I9: processes hear everything once, end, and leave nothing behind.

use std::collections::{BTreeMap, HashSet};

use bongsu_runtime::ports::store::CommitId;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Checked;
use crate::evidence::Evidence;

/// The name of a step of a process.
const STEP: &str = "bongsu.process-step";

/// A step of a process, as far as what it heard goes.
#[derive(Deserialize)]
struct ProcessStep<'e> {
    #[serde(borrow)]
    input: Input<'e>,
    #[serde(borrow, default)]
    effects: Vec<&'e RawValue>,
}

/// Processes that come to an end; the others watch for ever.
const ENDING: [&str; 3] = ["checkout", "fulfilment", "courier"];
/// Events, and the processes of the same context that begin by them.
const BEGIN: [(&str, &str); 3] =
    [("order.placed", "checkout"), ("order.confirmed", "fulfilment"), ("delivery.prepared", "courier")];
/// How a process says that it has ended.
const ENDS: [&str; 2] = ["\"done\"", "\"unwind\""];

#[derive(Deserialize)]
struct Input<'e> {
    #[serde(borrow)]
    heard: Option<&'e RawValue>,
}

/// I4: no instance of a process has heard the same fact or event twice.
pub(super) fn heard_once(evidence: &Evidence) -> Checked {
    let mut looked = 0;
    for (context, dump) in &evidence.stores {
        let causes = dump.causes()?;
        let mut heard = HashSet::new();
        for (event, cause) in dump.events.iter().zip(causes.iter()).filter(|(event, _)| event.name == STEP) {
            let ProcessStep { input, .. } = read(&event.data)?;
            let Some(input) = input.heard else { continue };
            // Two events of one cause are told apart by what they say.
            if !heard.insert((&event.stream, &cause.causation, input.get())) {
                return Err(format!("{context}: {}@{} was heard before: {input}", event.stream, event.version));
            }
        }
        looked += heard.len() as u64;
    }
    Ok(looked)
}

fn read<'e, T: Deserialize<'e>>(bytes: &'e [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// I9: no timer, job, failed or waiting input is left in any store; a clock goes on.
pub(super) fn nothing_left_to_do(evidence: &Evidence) -> Checked {
    let mut looked = 0;
    for (context, dump) in &evidence.stores {
        if let Some(doc) = dump.to_do().next() {
            return Err(format!("{context} is left with {}: {}", doc.key.id, String::from_utf8_lossy(&doc.data)));
        }
        looked += dump.events.iter().filter(|event| event.name == STEP).count() as u64;
    }
    Ok(looked)
}

/// I9: every process that comes to an end has come to it.
pub(super) fn have_ended(evidence: &Evidence) -> Checked {
    let mut ended: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for (context, dump) in &evidence.stores {
        for event in dump.events.iter().filter(|event| event.name == STEP) {
            let ends = |process: &str| event.stream.split_once('/').is_some_and(|(name, _)| name == process);
            if ENDING.iter().any(|process| ends(process)) {
                *ended.entry((*context, &event.stream)).or_default() |= is_end(&event.data)?;
            }
        }
    }
    match ended.iter().find(|(_, ended)| !**ended) {
        Some(((context, stream), _)) => Err(format!("{context}: {stream} goes on for ever")),
        None => Ok(ended.len() as u64),
    }
}

/// Whether a process ends with this step. Most do not, and need not be read to say so.
fn is_end(step: &[u8]) -> Result<bool, String> {
    let text = std::str::from_utf8(step).map_err(|error| error.to_string())?;
    if !ENDS.iter().any(|end| text.contains(end)) {
        return Ok(false);
    }
    let ProcessStep { effects, .. } = read(step)?;
    Ok(effects.iter().any(|effect| ENDS.contains(&effect.get())))
}

/// I9: every process that begins by an event of its own context has begun in the Commit of that event.
pub(super) fn begin_with_their_events(evidence: &Evidence) -> Checked {
    let mut begun: HashSet<(&str, &str, CommitId)> = HashSet::new();
    let all =
        || evidence.stores.iter().flat_map(|(context, dump)| dump.events.iter().map(move |event| (*context, event)));
    for (context, event) in all().filter(|(_, event)| event.name == STEP) {
        begun.insert((context, &event.stream, event.commit));
    }
    let mut looked = 0;
    for (context, event) in all() {
        let Some((_, process)) = BEGIN.iter().find(|(name, _)| *name == event.name) else { continue };
        let Some((_, id)) = event.stream.split_once('/') else { continue };
        looked += 1;
        if !begun.contains(&(context, &*format!("{process}/{id}"), event.commit)) {
            return Err(format!("{context}: {}@{} {} has begun no {process}", event.stream, event.version, event.name));
        }
    }
    Ok(looked)
}

/// What is left to do anywhere, for telling when a system is quiet.
pub fn left(evidence: &Evidence) -> Vec<String> {
    let todo = |context: &str, dump: &crate::evidence::Dump| {
        dump.to_do().map(|doc| format!("{context}: {}", doc.key.id)).collect::<Vec<_>>()
    };
    evidence.stores.iter().flat_map(|(context, dump)| todo(context, dump)).collect()
}
