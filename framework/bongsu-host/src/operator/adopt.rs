//! A new history: what opening one would do, and doing it.

use axum::{
    Router,
    extract::{Query, State},
    routing::get,
};
use bongsu_runtime::{Adoption, Applied, Handle};
use http::StatusCode;
use serde::Deserialize;

use super::parked::Act;
use crate::{json::Json, problem::Problem};

/// Whose facts beyond which position are meant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beyond {
    source: String,
    after: u64,
}

pub(super) fn routes() -> Router<Handle> {
    Router::new().route("/bongsu/adopt", get(survey).post(adopt)).route("/bongsu/applied", get(applied))
}

async fn survey(State(handle): State<Handle>) -> Result<axum::Json<Adoption>, Problem> {
    answer(handle.operator().survey().await?)
}

async fn adopt(State(handle): State<Handle>, Json(act): Json<Act>) -> Result<axum::Json<Adoption>, Problem> {
    let deed = act.deed()?;
    if !deed.has_reason() {
        return Err(Problem::invalid("/reason", "an adoption needs a reason"));
    }
    answer(handle.operator().adopt(&deed).await?)
}

async fn applied(
    State(handle): State<Handle>,
    Query(Beyond { source, after }): Query<Beyond>,
) -> Result<axum::Json<Vec<Applied>>, Problem> {
    Ok(axum::Json(handle.operator().applied(&source, after).await?))
}

fn answer(found: Option<Adoption>) -> Result<axum::Json<Adoption>, Problem> {
    let one = || Problem::new(StatusCode::CONFLICT, "not-parted", "Store and broker have one history");
    found.map(axum::Json).ok_or_else(one)
}
