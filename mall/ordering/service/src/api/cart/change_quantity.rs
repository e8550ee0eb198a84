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
use utoipa::ToSchema;

use super::problems::{self, CartChanged};

/// How many in all.
#[derive(Deserialize, ToSchema)]
pub(in crate::api) struct Pieces {
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    quantity: u32,
}

/// Says how many of a product in all.
#[utoipa::path(
    put, path = "/cart/items/{sku}", operation_id = "changeCartItem", request_body = Pieces,
    security(("principal" = [])),
    responses((status = 200, description = "Changed.", body = CartChanged), (status = 409, description = "No open cart.")),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    Path(sku): Path<String>,
    caller: Caller,
    Json(Pieces { quantity }): Json<Pieces>,
) -> Result<Response, Problem> {
    let change = ChangeQuantity { customer: caller.principal.as_str().to_owned(), sku, quantity };
    Ok(command::respond(handle.execute(&change, caller.call(), &problems::changed).await?))
}
