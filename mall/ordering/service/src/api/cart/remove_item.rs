//! `DELETE /cart/items/{sku}`: none of a product any more.

use axum::{
    extract::{Path, State},
    response::Response,
};
use bongsu_host::{
    command::{self, Caller},
    problem::Problem,
};
use bongsu_runtime::Handle;
use ordering_domain::remove_item::RemoveItem;

use super::problems::{self, CartChanged};

/// Takes a product out of the cart.
#[utoipa::path(
    delete, path = "/cart/items/{sku}", operation_id = "removeCartItem", security(("principal" = [])),
    responses((status = 200, description = "Removed.", body = CartChanged), (status = 409, description = "No open cart.")),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    Path(sku): Path<String>,
    caller: Caller,
) -> Result<Response, Problem> {
    let remove = RemoveItem { customer: caller.principal.as_str().to_owned(), sku };
    Ok(command::respond(handle.execute(&remove, caller.call(), &problems::changed).await?))
}
