//! `/products`: everybody reads, operators write.

use axum::{
    extract::{Path, State},
    response::Response,
};
use bongsu_host::{
    command::{self, Caller, Command},
    etag::{IfMatch, IfNoneMatch},
    idempotency::IdempotencyKey,
    json::Json,
    list::{List, Page},
    problem::Problem,
};
use bongsu_runtime::{Handle, Range};
use money::Money;
use product_domain::{ids::Sku, product::is_sku};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::catalogue::{self, Details, ON_SALE, PRODUCTS, ShownProduct, Stored};

/// A product to be sold.
#[derive(Deserialize, ToSchema)]
pub(super) struct Registration {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{1,32}$")]
    sku: Sku,
    /// No control characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// For one piece; positive.
    price: Money,
}

/// What is on sale, by sku.
#[utoipa::path(
    get, path = "/products", operation_id = "listProducts", params(List),
    responses((status = 200, description = "A page.", body = Page<ShownProduct>)),
)]
pub(super) async fn list(State(handle): State<Handle>, list: List) -> Result<Response, Problem> {
    let after = list.cursor.clone();
    let range = Range { index: Some(ON_SALE), prefix: Vec::new(), after, descending: false, limit: list.limit };
    let page = handle.documents::<Stored>(PRODUCTS, range).await?;
    Ok(list.page(page.rows.iter().map(|(_, stored)| stored.shown()).collect(), page.next))
}

/// A product on sale.
#[utoipa::path(
    get, path = "/products/{sku}", operation_id = "readProduct", params(IfNoneMatch),
    responses((status = 200, description = "The product as it is now.", body = ShownProduct)),
)]
pub(super) async fn one(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let stored = find(&handle, &sku).await?.ok_or_else(|| Problem::not_found("There is no such product."))?;
    Ok(known.answer(&stored.etag(), &stored.shown()))
}

/// Puts a product on sale, also one that was retired.
#[utoipa::path(
    post, path = "/products", operation_id = "registerProduct", params(IdempotencyKey), request_body = Registration,
    responses((status = 201, description = "On sale.", body = ShownProduct)),
)]
pub(super) async fn register(
    State(handle): State<Handle>,
    command: Command<Registration>,
) -> Result<Response, Problem> {
    let Registration { sku, name, price } = &command.body;
    let details = Details { name: name.clone(), price: *price };
    Ok(command::respond(catalogue::register(&handle, command.call(), sku, &details).await?))
}

/// Changes name and price of the version that was read.
#[utoipa::path(
    put, path = "/products/{sku}", operation_id = "changeProduct", params(IfMatch), request_body = Details,
    responses((status = 200, description = "Changed.", body = ShownProduct)),
)]
pub(super) async fn change(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    caller: Caller,
    seen: IfMatch,
    Json(details): Json<Details>,
) -> Result<Response, Problem> {
    Ok(command::respond(catalogue::change(&handle, caller.call(), &sku, &details, &seen).await?))
}

/// Takes the version that was read off sale.
#[utoipa::path(
    delete, path = "/products/{sku}", operation_id = "retireProduct", params(IfMatch),
    responses((status = 200, description = "No longer sold; what it was.", body = ShownProduct)),
)]
pub(super) async fn retire(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    caller: Caller,
    seen: IfMatch,
) -> Result<Response, Problem> {
    Ok(command::respond(catalogue::retire(&handle, caller.call(), &sku, &seen).await?))
}

/// A product on sale; text that can be no product's id is not even looked up.
pub(super) async fn find(handle: &Handle, sku: &Sku) -> Result<Option<Stored>, Problem> {
    if !is_sku(sku) {
        return Ok(None);
    }
    let stored = handle.document::<Stored>(PRODUCTS, sku).await?;
    Ok(stored.filter(|stored| !stored.product.retired))
}
