//! The HTTP API. Handlers only translate: states to JSON.

mod read_payments;

use axum::Router;
use bongsu_host::openapi::{Api, routes};
use bongsu_runtime::Handle;

/// What became of the money of an order.
pub fn api() -> Api<Handle> {
    Api::new("payment")
        .about("Payments: what became of the money of an order.")
        .routes(routes!(read_payments::of_order))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}
