//! The HTTP API: reads only.

mod read_orders;
mod read_summary;

use axum::{Router, routing::get};
use bongsu_runtime::Handle;

/// `GET /audit/orders[?cursor=&limit=]`, `GET /audit/orders/{id}`, `GET /audit/summary`.
pub fn routes(handle: Handle) -> Router {
    Router::new()
        .route("/audit/orders", get(read_orders::list))
        .route("/audit/orders/{id}", get(read_orders::one))
        .route("/audit/summary", get(read_summary::handle))
        .with_state(handle)
}
