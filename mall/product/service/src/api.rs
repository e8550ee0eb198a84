//! The HTTP API. Handlers only translate: between JSON and commands, rejections and problems, states and JSON.

mod products;
mod stock;

use axum::{
    Router,
    routing::{get, post},
};
use bongsu_runtime::Handle;

/// `GET|POST /products`, `GET|PUT|DELETE /products/{sku}`, `GET /stock/{sku}`, `POST /stock/{sku}/receipts`,
/// `POST /stock/{sku}/adjustments`.
pub fn routes(handle: Handle) -> Router {
    Router::new()
        .route("/products", get(products::list).post(products::register))
        .route("/products/{sku}", get(products::one).put(products::change).delete(products::retire))
        .route("/stock/{sku}", get(stock::one))
        .route("/stock/{sku}/receipts", post(stock::receive))
        .route("/stock/{sku}/adjustments", post(stock::adjust))
        .with_state(handle)
}
