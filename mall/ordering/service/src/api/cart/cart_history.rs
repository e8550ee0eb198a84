//! `GET /cart/history`: the audit trail of one's own cart, oldest first.

use axum::{extract::State, response::Response};
use bongsu_core::type_of;
use bongsu_host::{list::List, principal::Principal, problem::Problem};
use bongsu_runtime::{Entry, Handle};
use bytes::Bytes;
use ordering_domain::cart::Carts;
use serde_json::{Value, json};

pub(super) async fn handle(
    State(handle): State<Handle>,
    principal: Principal,
    list: List,
) -> Result<Response, Problem> {
    let after = list.cursor.as_deref().map_or(Ok(0), version_of)?;
    let entries = handle.trail::<Carts>(principal.as_str(), after, list.limit).await?;
    let full = entries.len() == list.limit as usize;
    let next = entries.last().filter(|_| full).map(|last| Bytes::copy_from_slice(&last.version.to_be_bytes()));
    Ok(list.page(entries.iter().map(item).collect(), next))
}

fn version_of(cursor: &[u8]) -> Result<u64, Problem> {
    let version = cursor.try_into().map(u64::from_be_bytes).ok().filter(|version| i64::try_from(*version).is_ok());
    version.ok_or_else(|| Problem::bad_request("The cursor is not one this list gave."))
}

fn item(entry: &Entry) -> Value {
    let data: Value = serde_json::from_slice(&entry.data).unwrap_or_default();
    json!({
        "version": entry.version,
        "at": entry.time,
        "who": entry.actor,
        "what": type_of(&entry.name, entry.schema),
        "data": data,
        "command": entry.command,
        "command_id": entry.causation,
    })
}
