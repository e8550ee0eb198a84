//! The HTTP API. Handlers only translate: states to JSON.

mod read_payments;

use axum::{Router, routing::get};
use bongsu_runtime::Handle;

/// `GET /payments?order=`.
pub fn routes(handle: Handle) -> Router {
    Router::new().route("/payments", get(read_payments::of_order)).with_state(handle)
}
