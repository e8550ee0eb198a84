//! Read models for operators: how far each is, and folding one anew.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::{get, post},
};
use bongsu_runtime::{Handle, NotDropped, NotRebuilt, Purpose, ReadModelStatus};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct How {
    /// Only compare, and keep what is shown.
    #[serde(default)]
    check: bool,
}

/// `GET /bongsu/projections`; `POST /bongsu/rebuild/{name}[?check=true]` (202 with the generation being filled; 404,
/// or 409 while one is being filled) and `…/{name}/cancel` (202 with the generation given up; 404, or 409 when there is
/// none); `GET /bongsu/projections/old`, and `POST /bongsu/projections/{NAME@VERSION}/drop` (202; 404, or 409 while a
/// process has it).
pub(super) fn routes() -> Router<Handle> {
    Router::new()
        .route("/bongsu/projections", get(projections))
        .route("/bongsu/projections/old", get(old))
        .route("/bongsu/projections/{name}/drop", post(drop_old))
        .route("/bongsu/rebuild/{name}", post(rebuild))
        .route("/bongsu/rebuild/{name}/cancel", post(cancel))
}

async fn old(State(handle): State<Handle>) -> Result<Json<Vec<String>>, Problem> {
    Ok(Json(handle.operator().old_read_models().await?))
}

async fn drop_old(State(handle): State<Handle>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    handle.operator().drop_read_model(&name).await.map_err(|why| {
        let detail = why.to_string();
        match why {
            NotDropped::Unknown(_) => Problem::not_found(detail),
            NotDropped::InUse { slot } => Problem::new(StatusCode::CONFLICT, "read-model-in-use", "A process reads it")
                .detail(detail)
                .with("slot", slot),
            NotDropped::Store(error) => error.into(),
        }
    })?;
    Ok(StatusCode::ACCEPTED)
}

async fn cancel(State(handle): State<Handle>, Path(name): Path<String>) -> Result<(StatusCode, Json<Value>), Problem> {
    let generation = handle.operator().cancel_rebuild(&name).await.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "generation": generation }))))
}

async fn projections(State(handle): State<Handle>) -> Result<Json<Vec<ReadModelStatus>>, Problem> {
    Ok(Json(handle.operator().read_models().await?))
}

async fn rebuild(
    State(handle): State<Handle>,
    Path(name): Path<String>,
    Query(how): Query<How>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let purpose = if how.check { Purpose::Check } else { Purpose::Rebuild };
    let generation = handle.operator().rebuild(&name, purpose).await.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "generation": generation }))))
}

fn refused(why: NotRebuilt) -> Problem {
    let detail = why.to_string();
    match why {
        NotRebuilt::Unknown(_) => Problem::not_found(detail),
        NotRebuilt::Running { generation } => {
            Problem::new(StatusCode::CONFLICT, "rebuild-running", "A rebuild is under way")
                .detail(detail)
                .with("generation", generation)
        }
        NotRebuilt::Idle => Problem::new(StatusCode::CONFLICT, "no-rebuild", "Nothing is being filled").detail(detail),
        NotRebuilt::Store(error) => error.into(),
    }
}
