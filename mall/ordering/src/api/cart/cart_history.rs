//! `GET /cart/history`: the audit trail of one's own cart, oldest first.

use axum::{extract::State, response::Response};
use bongsu_core::type_of;
use bongsu_host::{
    allow::Owner,
    list::{List, Page},
    problem::Problem,
};
use bongsu_runtime::{Entry, Handle};
use bytes::Bytes;
use ordering_domain::cart::Carts;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One event of the cart: who did what when, and by which command.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CartEntry {
    /// The cart's version after it.
    version: u64,
    #[schema(format = DateTime)]
    at: String,
    who: String,
    /// Name of the event.
    what: String,
    /// The event.
    #[schema(value_type = Object)]
    data: Value,
    /// The type of the command it was decided on.
    #[schema(required)]
    command: Option<String>,
    command_id: String,
}

/// The audit trail of the caller's cart, oldest first.
#[utoipa::path(
    get, path = "/cart/history", operation_id = "listCartHistory", params(List),
    responses((status = 200, description = "A page.", body = Page<CartEntry>)),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    owner: Owner,
    list: List,
) -> Result<Response, Problem> {
    let after = list.cursor.as_deref().map_or(Ok(0), version_of)?;
    // One more than asked for tells whether there is a next page.
    let mut entries = handle.trail::<Carts>(owner.as_str(), after, list.limit + 1).await?;
    let more = entries.len() > list.limit as usize;
    entries.truncate(list.limit as usize);
    let next = entries.last().filter(|_| more).map(|last| Bytes::copy_from_slice(&last.version.to_be_bytes()));
    Ok(list.page(entries.into_iter().map(CartEntry::of).collect(), next))
}

fn version_of(cursor: &[u8]) -> Result<u64, Problem> {
    let version = cursor.try_into().map(u64::from_be_bytes).ok().filter(|version| i64::try_from(*version).is_ok());
    version.ok_or_else(|| Problem::bad_request("The cursor is not one this list gave."))
}

impl CartEntry {
    fn of(entry: Entry) -> Self {
        Self {
            version: entry.version,
            at: entry.time,
            who: entry.actor,
            what: type_of(&entry.name, entry.schema),
            data: serde_json::from_slice(&entry.data).unwrap_or_default(),
            command: entry.command,
            command_id: entry.causation,
        }
    }
}
