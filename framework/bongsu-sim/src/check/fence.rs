//! I15 for services on this project's runtime: where its leases are is known.

use std::borrow::Cow;

use bongsu_runtime::ports::store::DocKey;
use bytes::Bytes;
use serde::Deserialize;

use crate::kernel::moment::{Checked, Moment};
use bongsu_memory::MemoryStore;

/// A lease, as the runtime keeps it.
#[derive(Deserialize)]
struct Lease<'l> {
    #[serde(borrow)]
    slot: Cow<'l, str>,
}

/// At every Commit of the store called `name`: who moves a cursor holds its lease at that very moment. An owner that was
/// paused, lost its lease and goes on as if nothing had happened is found here, also when what it wrote did no harm.
/// Nodes are named like their slots. To be watched; counts the cursors that moved.
pub fn only_the_owner_writes(name: &'static str, store: MemoryStore) -> impl FnMut(&Moment<'_>) -> Checked + Send {
    move |moment| {
        let Moment::Committed { store: of, by, wrote, .. } = moment else { return Ok(0) };
        if *of != name {
            return Ok(0);
        }
        let cursors = wrote.iter().filter(|key| key.table == "cursor");
        cursors.map(|cursor| owned(&store, cursor, by)).try_fold(0, |looked, owned| owned.map(|()| looked + 1))
    }
}

fn owned(store: &MemoryStore, cursor: &DocKey, by: &str) -> Result<(), String> {
    let leases = leases(&cursor.id);
    let held: Vec<Bytes> = leases.iter().filter_map(|lease| store.data("lease", lease)).collect();
    let holders: Vec<Lease<'_>> = held
        .iter()
        .map(|data| serde_json::from_slice(data))
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{leases:?}: {error}"))?;
    match holders.iter().any(|holder| holder.slot == by) {
        true => Ok(()),
        false => {
            let holders: Vec<&str> = holders.iter().map(|holder| &*holder.slot).collect();
            Err(format!("'{by}' moved {cursor}, and {holders:?} hold {leases:?}"))
        }
    }
}

/// Under which leases a cursor may be moved. A read model's cursors are of one generation, NAME@VERSION.generation; who
/// builds a generation has a lease of its own.
fn leases(cursor: &str) -> Vec<String> {
    if cursor == "relay" {
        return vec!["relay/0".to_owned()];
    }
    let (reader, partition) = cursor.split_once('/').unwrap_or((cursor, ""));
    match reader.rsplit_once('.').filter(|_| reader.contains('@')) {
        Some((root, _)) => vec![format!("lane/{root}/{partition}"), format!("rebuild/{root}/0")],
        None => vec![format!("lane/{cursor}")],
    }
}
