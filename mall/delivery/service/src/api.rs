//! The HTTP API. Handlers only translate: between JSON and commands, rejections and problems, states and JSON.

mod move_parcel;
mod read_deliveries;

use axum::{
    Router,
    routing::{get, post},
};
use bongsu_runtime::Handle;

/// `GET /deliveries?order=`, `POST /deliveries/{id}/{depart|complete|fail}`; a delivery's id is its order's.
pub fn routes(handle: Handle) -> Router {
    Router::new()
        .route("/deliveries", get(read_deliveries::of_order))
        .route("/deliveries/{id}/depart", post(move_parcel::depart))
        .route("/deliveries/{id}/complete", post(move_parcel::complete))
        .route("/deliveries/{id}/fail", post(move_parcel::fail))
        .with_state(handle)
}
