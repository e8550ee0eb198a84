//! The HTTP API. Handlers only translate: between JSON and commands, rejections and problems, states and JSON.

mod products;
mod stock;

use axum::Router;
use bongsu_host::openapi::{Api, routes};
use bongsu_runtime::Handle;

/// Products and how many there are of each.
pub fn api() -> Api<Handle> {
    Api::new("product")
        .about("Products, and how many there are of each.")
        .routes(routes!(products::list, products::register))
        .routes(routes!(products::one, products::change, products::retire))
        .routes(routes!(stock::one))
        .routes(routes!(stock::receive))
        .routes(routes!(stock::adjust))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}
