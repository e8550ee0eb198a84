//! One stream: how it is read, and everything that happened in it.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use bongsu_runtime::Handle;
use serde_json::{Value, json};

use super::{MAX_LIMIT, Shown, Which};
use crate::problem::Problem;

/// `GET /bongsu/streams/{stream}?after=&limit=`: version, snapshot, how many events are folded to know the state,
/// and the events after a version with who, when and by which command. 404 for a stream never written.
pub(super) async fn one(
    State(handle): State<Handle>,
    Path(stream): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let reading = handle.operator().reading(&stream).await?;
    if reading.version == 0 {
        return Err(Problem::not_found("There is no such stream."));
    }
    let found = handle.operator().events_of(&stream, which.after, which.limit.clamp(1, MAX_LIMIT)).await?;
    let next = found.last().map_or(which.after, |event| event.version);
    let events: Vec<Shown> = found.into_iter().map(Shown::of).collect();
    Ok(Json(json!({
        "stream": stream,
        "version": reading.version,
        "snapshot": reading.snapshot,
        "folded": reading.folded,
        "events": events,
        "next": next,
    })))
}
