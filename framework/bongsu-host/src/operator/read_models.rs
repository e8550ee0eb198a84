//! Read models for operators: how far each is, and folding one anew.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::{get, post},
};
use bongsu_runtime::{Handle, NotRebuilt, Purpose, ReadModelStatus};
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

/// `GET /bongsu/projections`, and `POST /bongsu/rebuild/{name}[?check=true]` (202 with the generation being
/// filled; 404, or 409 while one is being filled).
pub(super) fn routes() -> Router<Handle> {
    Router::new().route("/bongsu/projections", get(projections)).route("/bongsu/rebuild/{name}", post(rebuild))
}

async fn projections(State(handle): State<Handle>) -> Result<Json<Vec<ReadModelStatus>>, Problem> {
    Ok(Json(handle.read_models().await?))
}

async fn rebuild(
    State(handle): State<Handle>,
    Path(name): Path<String>,
    Query(how): Query<How>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let purpose = if how.check { Purpose::Check } else { Purpose::Rebuild };
    let generation = handle.rebuild(&name, purpose).await.map_err(refused)?;
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
        NotRebuilt::Store(error) => error.into(),
    }
}
