//! Publishing facts again: asked for here, done by the instance that relays.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use bongsu_runtime::{Handle, Refill};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::parked::Act;
use crate::{json::Json, problem::Problem};

/// Which facts, who asks, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wish {
    /// One stream: `aggregate/id`; everything without it.
    subject: Option<String>,
    actor: Option<String>,
    reason: Option<String>,
}

pub(super) fn routes() -> Router<Handle> {
    Router::new().route("/bongsu/republish", get(waiting).post(republish))
}

async fn waiting(State(handle): State<Handle>) -> Result<axum::Json<Vec<Refill>>, Problem> {
    Ok(axum::Json(handle.operator().refills().await?))
}

async fn republish(State(handle): State<Handle>, Json(wish): Json<Wish>) -> Result<Response, Problem> {
    let deed = Act { actor: wish.actor, reason: wish.reason }.deed()?;
    let asked = handle.operator().republish(wish.subject.as_deref(), &deed).await?;
    let number = asked.ok_or_else(|| Problem::not_found("This context has no such stream."))?;
    Ok((StatusCode::ACCEPTED, axum::Json(json!({ "refill": number }))).into_response())
}
