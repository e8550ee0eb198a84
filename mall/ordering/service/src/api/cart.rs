//! `/cart`: the cart of whoever asks.

mod read_cart;
mod cart_history;
mod create_cart;
mod add_item;
mod change_quantity;
mod remove_item;
mod check_out;
mod problems;

use axum::{
    Router,
    routing::{get, post, put},
};
use bongsu_runtime::Handle;

/// `GET|POST /cart`, `GET /cart/history`, `POST /cart/items`, `PUT|DELETE /cart/items/{sku}`, `POST /cart/checkout`.
pub(super) fn routes() -> Router<Handle> {
    Router::new()
        .route("/cart", get(read_cart::handle).post(create_cart::handle))
        .route("/cart/history", get(cart_history::handle))
        .route("/cart/items", post(add_item::handle))
        .route("/cart/items/{sku}", put(change_quantity::handle).delete(remove_item::handle))
        .route("/cart/checkout", post(check_out::handle))
}
