//! The HTTP API. Handlers only translate: between JSON and commands, rejections and problems, states and JSON.

mod move_parcel;
mod read_deliveries;

use axum::Router;
use bongsu_host::openapi::{Api, routes};
use bongsu_runtime::Handle;

/// Parcels: where they are, and moving them by hand. A delivery's id is its order's.
pub fn api() -> Api<Handle> {
    Api::new("delivery")
        .about("Parcels: where they are, and moving them by hand. A delivery's id is its order's.")
        .routes(routes!(read_deliveries::of_order))
        .routes(routes!(move_parcel::depart))
        .routes(routes!(move_parcel::complete))
        .routes(routes!(move_parcel::fail))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}
