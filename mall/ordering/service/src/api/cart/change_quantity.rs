//! `PUT /cart/items/{sku}`: so many of a product in all. Sent twice it is the same, so it needs no key.

use axum::{
    extract::{Path, State},
    response::Response,
};
use bongsu_host::{
    command::{self, Caller},
    json::Json,
    problem::Problem,
};
use bongsu_runtime::Handle;
use ordering_domain::change_quantity::ChangeQuantity;
use serde::Deserialize;

use super::problems;

#[derive(Deserialize)]
pub(super) struct Pieces {
    quantity: u32,
}

pub(super) async fn handle(
    State(handle): State<Handle>,
    Path(sku): Path<String>,
    caller: Caller,
    Json(Pieces { quantity }): Json<Pieces>,
) -> Result<Response, Problem> {
    let change = ChangeQuantity { customer: caller.principal.as_str().to_owned(), sku, quantity };
    Ok(command::respond(handle.execute(&change, caller.call(), &problems::changed).await?))
}
