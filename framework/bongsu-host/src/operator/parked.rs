//! What is parked: listed, tried again, evicted. Who did it and why becomes an event of the service's store.

use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use bongsu_runtime::{BadDeed, Deed, Handle, Parked};
use http::StatusCode;
use serde::Deserialize;

use crate::{json::Json, problem::Problem, query::Query};

/// Who acts, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Act {
    pub(super) actor: Option<String>,
    pub(super) reason: Option<String>,
}

/// Behind which id a page begins.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    after: String,
}

pub(super) fn routes() -> Router<Handle> {
    Router::new()
        .route("/bongsu/parked", get(list))
        .route("/bongsu/parked/{id}/retry", post(retry))
        .route("/bongsu/parked/{id}/evict", post(evict))
}

async fn list(
    State(handle): State<Handle>,
    Query(Page { after }): Query<Page>,
) -> Result<axum::Json<Vec<Parked>>, Problem> {
    Ok(axum::Json(handle.operator().parked_after(&after).await?))
}

async fn retry(State(handle): State<Handle>, Path(id): Path<String>, act: Json<Act>) -> Result<StatusCode, Problem> {
    done(handle.operator().unpark(&id, &act.0.deed()?).await?)
}

async fn evict(State(handle): State<Handle>, Path(id): Path<String>, act: Json<Act>) -> Result<StatusCode, Problem> {
    let deed = act.0.deed()?;
    if !deed.has_reason() {
        return Err(Problem::invalid("/reason", "an eviction needs a reason"));
    }
    done(handle.operator().evict(&id, &deed).await?)
}

fn done(found: bool) -> Result<StatusCode, Problem> {
    match found {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("Nothing of this id is parked.")),
    }
}

impl Act {
    /// A caller without a name is "operator".
    pub(super) fn deed(&self) -> Result<Deed, Problem> {
        let deed = Deed::new(self.actor.as_deref().unwrap_or("operator"), self.reason.as_deref());
        deed.map_err(|bad| {
            let pointer = if bad == BadDeed::Actor { "/actor" } else { "/reason" };
            Problem::invalid(pointer, bad.to_string())
        })
    }
}
