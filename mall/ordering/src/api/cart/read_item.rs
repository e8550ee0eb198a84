//! `GET /cart/items/{sku}`: one line, with the tag that a change of it sends back.

use axum::{
    extract::{Path, State},
    response::Response,
};
use bongsu_host::{
    allow::Owner,
    etag::{ETag, IfNoneMatch},
    problem::Problem,
};
use bongsu_runtime::Handle;
use ordering_domain::{
    cart::{CartRejection, Carts, SeenLine},
    ids::Sku,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::problems;

/// So many of one product in the open cart.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CartItem {
    #[schema(value_type = String)]
    sku: Sku,
    quantity: u32,
}

/// One line of the caller's cart.
///
/// Its `ETag` is what a change of it wants as `If-Match`. It stays while cart and quantity do, whatever becomes of other
/// lines and of prices.
#[utoipa::path(
    get, path = "/cart/items/{sku}", operation_id = "readCartItem", params(IfNoneMatch),
    responses((
        status = 200, description = "The line.", body = CartItem,
        links(
            ("changed" = (
                operation_id = "changeCartItem",
                parameters(("sku" = "$response.body#/sku"), ("If-Match" = "$response.header.ETag"))
            )),
            ("removed" = (
                operation_id = "removeCartItem",
                parameters(("sku" = "$response.body#/sku"), ("If-Match" = "$response.header.ETag"))
            )),
        ),
    )),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    owner: Owner,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let (cart, _) = handle.load::<Carts>(owner.as_str()).await?;
    let Some(seen) = cart.seen(&sku) else { return Err(problems::problem(CartRejection::NotInCart { sku })) };
    Ok(known.answer(&tag(&sku, &seen), &CartItem { sku, quantity: seen.quantity }))
}

/// The tag of a line: two that look the same in one cart are the same.
pub(super) fn tag(sku: &Sku, seen: &SeenLine) -> ETag {
    ETag::of(seen.quantity.into(), &(&seen.cart, sku))
}
