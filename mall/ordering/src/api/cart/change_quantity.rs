//! `PUT /cart/items/{sku}`: so many of a product in all. Sent twice it is the same, so it needs no key; the line that was
//! read is named, so that two pages of one customer do not overwrite each other.

use axum::{
    extract::{Path, State},
    response::Response,
};
use bongsu_host::{
    allow::Owner,
    command::{self, Caller},
    etag::IfMatch,
    json::Json,
    problem::Problem,
};
use bongsu_runtime::Handle;
use ordering_domain::{
    cart::{Carts, SeenLine},
    change_quantity::ChangeQuantity,
    ids::{CustomerId, Sku},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    problems::{self, CartChanged},
    read_item::tag,
};

/// How many in all.
#[derive(Deserialize, ToSchema)]
pub(in crate::api) struct Pieces {
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    quantity: u32,
}

/// Says how many of a product in all, instead of so many as were read.
///
/// If it has that many already, whatever was read, this is taken for the same request once more.
#[utoipa::path(
    put, path = "/cart/items/{sku}", operation_id = "changeCartItem", params(IfMatch), request_body = Pieces,
    responses((status = 200, description = "Changed.", body = CartChanged), (status = 409, description = "No open cart.")),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    owner: Owner,
    caller: Caller,
    if_match: IfMatch,
    Json(Pieces { quantity }): Json<Pieces>,
) -> Result<Response, Problem> {
    if_match.required()?;
    let customer = CustomerId::from(owner.as_str());
    let (cart, _) = handle.load::<Carts>(&customer).await?;
    let seen = cart.seen(&sku);
    if let Some(there) = seen.as_ref().filter(|there| there.quantity != quantity) {
        if_match.check(&tag(&sku, there))?;
    }
    let after = seen.as_ref().map(|there| tag(&sku, &SeenLine { quantity, ..there.clone() }));
    let change = ChangeQuantity { customer, sku, quantity, seen };
    let answer = handle
        .execute::<Carts, _>(change, caller.call(), |outcome| problems::changed_to(outcome, after.clone()))
        .await?;
    Ok(command::respond(answer))
}
