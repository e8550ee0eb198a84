//! I4, I9: processes hear everything once, end, and leave nothing behind.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Checked;
use crate::evidence::Evidence;

/// A step of a process, as far as what it heard goes.
#[derive(Deserialize)]
struct Step<'e> {
    #[serde(borrow)]
    input: Input<'e>,
}

#[derive(Deserialize)]
struct Input<'e> {
    #[serde(borrow)]
    heard: Option<&'e RawValue>,
}

#[derive(Deserialize)]
struct Cause<'e> {
    causation: &'e str,
}

/// I4: no instance of a process has heard the same fact or event twice.
pub(super) fn heard_once(evidence: &Evidence) -> Checked {
    let mut heard = HashSet::new();
    for (context, dump) in &evidence.stores {
        for event in dump.events.iter().filter(|event| event.name == "bongsu.process-step") {
            let Step { input } = read(&event.data)?;
            let Some(input) = input.heard else { continue };
            // Two events of one cause are told apart by what they say.
            if !heard.insert((*context, &event.stream, read::<Cause<'_>>(&event.meta)?.causation, input.get())) {
                return Err(format!("{context}: {}@{} was heard before: {input}", event.stream, event.version));
            }
        }
    }
    Ok(heard.len() as u64)
}

fn read<'e, T: Deserialize<'e>>(bytes: &'e [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// I9: no timer, job, failed or waiting input is left in any store; every process has had at least one input.
pub(super) fn nothing_left_to_do(evidence: &Evidence) -> Checked {
    let mut looked = 0;
    for (context, dump) in &evidence.stores {
        if let Some(doc) = dump.table("todo").next() {
            return Err(format!("{context} is left with {}: {}", doc.key.id, String::from_utf8_lossy(&doc.data)));
        }
        looked += dump.events.iter().filter(|event| event.name == "bongsu.process-step").count() as u64;
    }
    Ok(looked)
}

/// What is left to do anywhere, for telling when a system is quiet.
pub fn left(evidence: &Evidence) -> Vec<String> {
    let todo = |context: &str, dump: &crate::evidence::Dump| {
        dump.table("todo").map(|doc| format!("{context}: {}", doc.key.id)).collect::<Vec<_>>()
    };
    evidence.stores.iter().flat_map(|(context, dump)| todo(context, dump)).collect()
}
