//! `DELETE /cart/items/{sku}`: none of a product any more.

use axum::{
    extract::{Path, State},
    response::Response,
};
use bongsu_host::{
    allow::Owner,
    command::{self, Caller},
    etag::IfMatch,
    problem::Problem,
};
use bongsu_runtime::Handle;
use ordering_domain::{
    cart::Carts,
    ids::{CustomerId, Sku},
    remove_item::RemoveItem,
};

use super::{
    problems::{self, CartChanged},
    read_item::tag,
};

/// Takes a product out of the cart, so many as were read.
#[utoipa::path(
    delete, path = "/cart/items/{sku}", operation_id = "removeCartItem", params(IfMatch),
    responses((status = 200, description = "Removed.", body = CartChanged), (status = 409, description = "No open cart.")),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    owner: Owner,
    caller: Caller,
    if_match: IfMatch,
) -> Result<Response, Problem> {
    let customer = CustomerId::from(owner.as_str());
    let (cart, _) = handle.load::<Carts>(&customer).await?;
    let seen = cart.seen(&sku);
    match &seen {
        Some(there) => if_match.check(&tag(&sku, there))?,
        None => if_match.required()?,
    }
    let remove = RemoveItem { customer, sku, seen };
    Ok(command::respond(handle.execute::<Carts, _>(remove, caller.call(), problems::changed).await?))
}
