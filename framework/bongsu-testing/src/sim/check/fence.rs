//! I15 for services on this project's runtime: where its leases are is known.

use bongsu_runtime::ports::store::{DocKey, Store};
use futures::FutureExt;
use serde::Deserialize;

use super::{Checked, Moment};
use crate::MemoryStore;

/// A lease, as the runtime keeps it.
#[derive(Deserialize)]
struct Lease {
    slot: String,
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
    let lease = match cursor.id.as_str() {
        "relay" => "relay/0".to_owned(),
        lane => format!("lane/{lane}"),
    };
    let found = store.docs(vec![DocKey::new("lease", lease.as_str())]).now_or_never();
    let found = found.ok_or("the store does not answer at once")?.map_err(|error| error.to_string())?;
    let holder = found.into_iter().flatten().next().map(|doc| serde_json::from_slice::<Lease>(&doc.data));
    match holder.transpose().map_err(|error| format!("{lease}: {error}"))? {
        Some(holder) if holder.slot == by => Ok(()),
        holder => {
            let holder = holder.map_or_else(|| "nobody".to_owned(), |lease| format!("'{}'", lease.slot));
            Err(format!("'{by}' moved {cursor}, and {holder} holds {lease}"))
        }
    }
}
