//! The HTTP API. Handlers only translate: between JSON and commands, rejections and problems, states and JSON.

pub mod about;
mod products;
mod search;
mod stock;

use std::sync::Arc;

use axum::{Extension, Router};
use bongsu_host::{
    allow::Allow,
    openapi::{Api, routes},
};
use bongsu_runtime::Handle;

use crate::shelves::Shelves;

/// Who says what is sold, and how much there is of it.
const SELLERS: Allow = Allow::Roles(&["seller", "operator"]);

/// Products and how many there are of each.
pub fn api() -> Api<Handle> {
    Api::new("product")
        .about("Products, and how many there are of each.")
        .routes(Allow::Public, routes!(products::list))
        .routes(SELLERS, routes!(products::register))
        .routes(Allow::Public, routes!(search::search))
        .routes(Allow::Public, routes!(products::one))
        .routes(Allow::Public, routes!(products::options))
        .routes(Allow::Public, routes!(products::prices))
        .routes(SELLERS, routes!(products::change, products::retire))
        .routes(Allow::Public, routes!(stock::one))
        .routes(Allow::Public, routes!(stock::follow))
        .routes(SELLERS, routes!(stock::receive))
        .routes(SELLERS, routes!(stock::adjust))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    let shelves = Arc::new(Shelves::new(handle.clone()));
    api().serve(handle).layer(Extension(shelves))
}
