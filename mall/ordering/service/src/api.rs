//! The HTTP API. Handlers only translate: between JSON and commands, rejections and problems, states and JSON.

mod place_order;
mod cancel_order;
mod read_orders;
mod cart;
mod offers;
mod problems;

use axum::{
    Router,
    routing::{get, post},
};
use bongsu_runtime::Handle;

/// `POST /orders`, `GET /orders`, `GET /orders/{id}`, `POST /orders/{id}/cancel`, and everything of `/cart`.
pub fn routes(handle: Handle) -> Router {
    Router::new()
        .route("/orders", post(place_order::handle).get(read_orders::list))
        .route("/orders/{id}", get(read_orders::one))
        .route("/orders/{id}/cancel", post(cancel_order::handle))
        .merge(cart::routes())
        .with_state(handle)
}
