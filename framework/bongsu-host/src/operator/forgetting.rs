//! How far somebody is forgotten here.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use bongsu_runtime::{Forgetting, Handle};
use serde_json::{Value, json};

use crate::problem::Problem;

/// Longest name of somebody, in bytes: of an opaque id.
const LONGEST: usize = 256;

pub(super) fn routes() -> Router<Handle> {
    Router::new().route("/bongsu/forgetting/{whom}", get(one))
}

async fn one(State(handle): State<Handle>, Path(whom): Path<String>) -> Result<Json<Value>, Problem> {
    if whom.len() > LONGEST || whom.contains(char::is_control) {
        return Err(Problem::bad_request(format!("A name has at most {LONGEST} bytes and no control characters.")));
    }
    let state = match handle.operator().forgetting(&whom).await? {
        Forgetting::NothingKept => "nothing-kept",
        Forgetting::NotHeard => "not-heard",
        Forgetting::InFiles => "in-files",
        Forgetting::Done => "done",
    };
    Ok(Json(json!({ "state": state })))
}
