//! The HTTP API. Handlers only translate: between JSON and commands, rejections and problems, states and JSON.

mod products;
mod stock;

use axum::Router;
use bongsu_host::{
    allow::Allow,
    openapi::{Api, routes},
};
use bongsu_runtime::Handle;

/// Who says what is sold, and how much there is of it.
const SELLERS: Allow = Allow::Roles(&["seller", "operator"]);

/// Products and how many there are of each.
pub fn api() -> Api<Handle> {
    Api::new("product")
        .about("Products, and how many there are of each.")
        .routes(Allow::Public, routes!(products::list))
        .routes(SELLERS, routes!(products::register))
        .routes(Allow::Public, routes!(products::one))
        .routes(SELLERS, routes!(products::change, products::retire))
        .routes(Allow::Public, routes!(stock::one))
        .routes(Allow::Public, routes!(stock::follow))
        .routes(SELLERS, routes!(stock::receive))
        .routes(SELLERS, routes!(stock::adjust))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}
