//! `POST /cart/items`: so many more of a product; without a cart, into a new one.

use axum::{extract::State, response::Response};
use bongsu_host::{
    allow::Owner,
    command::{self, Command},
    idempotency::IdempotencyKey,
    problem::Problem,
};
use bongsu_runtime::Handle;
use ordering_domain::{add_item::AddItem, cart::Carts, ids::Sku};
use serde::Deserialize;
use utoipa::ToSchema;

use super::problems::{self, CartChanged};
use crate::api::offers::offer;

/// So many more of a product.
#[derive(Deserialize, ToSchema)]
pub(in crate::api) struct NewItem {
    #[schema(value_type = String, min_length = 1, max_length = 32, example = "TV")]
    sku: Sku,
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    quantity: u32,
}

/// Puts so many more of a product into the cart; without a cart, into a new one.
#[utoipa::path(
    post, path = "/cart/items", operation_id = "addToCart", params(IdempotencyKey), request_body = NewItem,
    responses((
        status = 200, description = "Added.", body = CartChanged,
        links(("line" = (operation_id = "readCartItem", parameters(("sku" = "$request.body#/sku"))))),
    )),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    owner: Owner,
    command: Command<NewItem>,
) -> Result<Response, Problem> {
    let NewItem { sku, quantity } = &command.body;
    let offer = offer(&handle, sku).await?;
    let add = AddItem { customer: owner.as_str().into(), sku: sku.clone(), quantity: *quantity, offer };
    Ok(command::respond(handle.execute::<Carts, _>(add, command.call(), problems::changed).await?))
}
