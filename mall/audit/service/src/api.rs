//! The HTTP API: reads only.

mod read_orders;
mod read_summary;

use axum::Router;
use bongsu_host::openapi::{Api, routes};
use bongsu_runtime::Handle;

/// Orders about which the contexts disagree.
pub fn api() -> Api<Handle> {
    Api::new("audit")
        .about("Orders about which the contexts disagree.")
        .routes(routes!(read_orders::list))
        .routes(routes!(read_orders::one))
        .routes(routes!(read_summary::handle))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}
