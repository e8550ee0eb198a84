//! I15 for services on this project's runtime: where its leases are is known.

use std::borrow::Cow;

use bongsu_runtime::ports::{name::Name, store::DocKey};
use bytes::Bytes;
use hashbrown::HashMap;
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
    let mut known = Known::default();
    move |moment| {
        let Moment::Committed { store: of, by, wrote, .. } = moment else { return Ok(0) };
        if *of != name {
            return Ok(0);
        }
        let cursors = wrote.iter().filter(|key| key.table == "cursor");
        cursors.map(|cursor| known.owned(&store, cursor, by)).try_fold(0, |looked, owned| owned.map(|()| looked + 1))
    }
}

/// The leases a cursor may be moved under, and the holder each was read to have: a lease is renewed far more rarely than
/// its cursor moves.
#[derive(Default)]
struct Known {
    leases: HashMap<Name, Vec<String>>,
    holders: HashMap<String, (Bytes, String)>,
}

impl Known {
    fn owned(&mut self, store: &MemoryStore, cursor: &DocKey, by: &str) -> Result<(), String> {
        let Self { leases, holders } = self;
        let leases = leases.entry_ref(&cursor.id).or_insert_with(|| leases_of(&cursor.id));
        for lease in &*leases {
            let Some(data) = store.data("lease", lease) else {
                holders.remove(lease);
                continue;
            };
            if holders.get(lease).is_none_or(|(of, _)| *of != data) {
                let Lease { slot } = serde_json::from_slice(&data).map_err(|error| format!("{lease}: {error}"))?;
                let slot = slot.into_owned();
                holders.insert(lease.clone(), (data, slot));
            }
        }
        let held: Vec<&str> = leases.iter().filter_map(|lease| Some(&*holders.get(lease)?.1)).collect();
        match held.contains(&by) {
            true => Ok(()),
            false => Err(format!("'{by}' moved {cursor}, and {held:?} hold {leases:?}")),
        }
    }
}

/// Under which leases a cursor may be moved. A read model's cursors are of one generation, NAME@VERSION.generation; who
/// builds a generation has a lease of its own.
fn leases_of(cursor: &str) -> Vec<String> {
    if cursor == "relay" {
        return vec!["relay/0".to_owned()];
    }
    let (reader, partition) = cursor.split_once('/').unwrap_or((cursor, ""));
    match reader.rsplit_once('.').filter(|_| reader.contains('@')) {
        Some((root, _)) => vec![format!("lane/{root}/{partition}"), format!("rebuild/{root}/0")],
        None => vec![format!("lane/{cursor}")],
    }
}
