//! I11 for services on this project's runtime: a snapshot is what the events before it fold to.

use std::collections::BTreeMap;

use bongsu_core::{Aggregate, Wire, stream_of};
use bongsu_runtime::ports::store::{Doc, StoredEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kernel::moment::{Checked, Moment};
use bongsu_memory::MemoryStore;

/// A snapshot, as the runtime keeps it.
#[derive(Deserialize)]
struct RecordedState {
    version: u64,
    schema: u32,
    state: Value,
}

/// Every snapshot of an aggregate, taken under this schema of its state, is the fold of as many events as it says:
/// so what it gives with the events after it is the fold of all of them.
///
/// # Errors
/// The first snapshot that is ahead of its stream or another state, and documents that are not what the runtime
/// writes.
pub fn snapshots_are_sound<A>(events: &[StoredEvent], snapshots: &[Doc], schema: u32) -> Checked
where
    A: Aggregate,
    A::State: Serialize,
{
    let mut looked = 0;
    for doc in snapshots.iter().filter(|doc| doc.key.id.starts_with(&stream_of(A::NAME, ""))) {
        let kept = read(doc)?;
        if kept.schema != schema {
            continue;
        }
        let mut state = A::State::default();
        let mut version = 0;
        let before = events.iter().filter(|event| doc.key.id == event.stream && event.version <= kept.version);
        for event in before {
            let decoded = A::Event::decode(&event.name, event.schema, &event.data).ok().flatten();
            A::evolve(&mut state, &decoded.ok_or_else(|| format!("{}@{} is unknown", event.stream, event.version))?);
            version = event.version;
        }
        let folded = serde_json::to_value(&state).map_err(|error| error.to_string())?;
        if version != kept.version || folded != kept.state {
            let RecordedState { version: at, state, .. } = kept;
            return Err(format!("{} at {at} is {state}; its events fold to {folded} at {version}", doc.key));
        }
        looked += 1;
    }
    Ok(looked)
}

/// At every Commit of the store called `name`: no snapshot was replaced by one of a lower version. To be watched.
pub fn snapshots_only_rise(name: &'static str, store: MemoryStore) -> impl FnMut(&Moment<'_>) -> Checked + Send {
    let mut highest: BTreeMap<String, u64> = BTreeMap::new();
    move |moment| {
        if !matches!(moment, Moment::Committed { store: of, .. } if *of == name) {
            return Ok(0);
        }
        let mut now = BTreeMap::new();
        for doc in store.docs_of("snapshot") {
            let version = read(&doc)?.version;
            let stream = doc.key.id.to_string();
            if let Some(before) = highest.get(&stream).filter(|before| **before > version) {
                return Err(format!("the snapshot of {stream} at {before} was replaced by one at {version}"));
            }
            now.insert(stream, version);
        }
        highest = now;
        Ok(highest.len() as u64)
    }
}

fn read(doc: &Doc) -> Result<RecordedState, String> {
    serde_json::from_slice(&doc.data).map_err(|error| format!("{}: {error}", doc.key))
}
