//! I9: processes end, and leave nothing behind.

use super::Checked;
use crate::evidence::Evidence;

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
