//! Snapshots now, and not at midnight.

use axum::{Json, extract::State};
use bongsu_runtime::{Handle, Walk};

use crate::problem::Problem;

/// `POST /bongsu/snapshot`: takes the snapshots of the next some hundred streams that changed since the last walk;
/// `{written, current, failed, done}`. Ask again until it is done.
pub(super) async fn take(State(handle): State<Handle>) -> Result<Json<Walk>, Problem> {
    Ok(Json(handle.operator().snapshot().await?))
}
