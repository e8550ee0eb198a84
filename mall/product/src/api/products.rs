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
use bongsu_runtime::{Entry, Handle, Range};
use bytes::Bytes;
use money::Money;
use product_domain::{
    ids::Sku,
    product::{Catalogue, is_sku},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::about::About;
use crate::catalogue::{self, BY_GROUP, Details, ON_SALE, PRODUCTS, ShownProduct, Stored, group_prefix};

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
    /// What else a page shows of it.
    #[serde(default)]
    about: Option<About>,
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

/// The products among which this one is chosen, itself with them; only itself where there is no choice.
#[utoipa::path(
    get, path = "/products/{sku}/options", operation_id = "listOptions", params(List),
    responses((status = 200, description = "A page.", body = Page<ShownProduct>)),
)]
pub(super) async fn options(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    list: List,
) -> Result<Response, Problem> {
    let stored = find(&handle, &sku).await?.ok_or_else(|| Problem::not_found("There is no such product."))?;
    let Some(choice) = &stored.product.about.choice else { return Ok(list.whole(vec![stored.shown()])) };
    let after = list.cursor.clone();
    let range = Range {
        index: Some(BY_GROUP),
        prefix: group_prefix(&choice.group),
        after,
        descending: false,
        limit: list.limit,
    };
    let page = handle.documents::<Stored>(PRODUCTS, range).await?;
    Ok(list.page(page.rows.iter().map(|(_, stored)| stored.shown()).collect(), page.next))
}

/// What a product cost from then on.
#[derive(Serialize, ToSchema)]
pub(super) struct PriceSince {
    /// From when.
    #[schema(format = DateTime)]
    since: String,
    /// For one piece.
    price: Money,
}

/// What a product cost since it was first sold, oldest first: from its events, as far as the price was another one.
#[utoipa::path(
    get, path = "/products/{sku}/prices", operation_id = "listPrices", params(List),
    responses((status = 200, description = "A page.", body = Page<PriceSince>)),
)]
pub(super) async fn prices(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    list: List,
) -> Result<Response, Problem> {
    find(&handle, &sku).await?.ok_or_else(|| Problem::not_found("There is no such product."))?;
    let after = list.cursor.as_deref().map_or(Ok(0), version_of)?;
    // The event before the page tells whether its first one changed the price; one more than asked for, whether there is another.
    let from = after.saturating_sub(1);
    let most = list.limit + 1 + u32::from(after > 0);
    let mut events = handle.trail::<Catalogue>(&sku, from, most).await?;
    let is_full = events.len() == most as usize;
    if is_full {
        events.pop();
    }
    let next = events.last().filter(|_| is_full).map(|last| Bytes::copy_from_slice(&last.version.to_be_bytes()));
    Ok(list.page(changes_of_price(events, after), next))
}

fn changes_of_price(events: Vec<Entry>, after: u64) -> Vec<PriceSince> {
    let mut before = None;
    let mut changes = Vec::new();
    for Entry { version, time: since, data, .. } in events {
        // That it is no longer sold says nothing of a price.
        let Ok(Priced { price }) = serde_json::from_slice(&data) else { continue };
        if version > after && before != Some(price) {
            changes.push(PriceSince { since, price });
        }
        before = Some(price);
    }
    changes
}

/// What every event with a price says of it.
#[derive(Deserialize)]
struct Priced {
    price: Money,
}

fn version_of(cursor: &[u8]) -> Result<u64, Problem> {
    let version = cursor.try_into().map(u64::from_be_bytes).ok().filter(|version| i64::try_from(*version).is_ok());
    version.ok_or_else(|| Problem::bad_request("The cursor is not one this list gave."))
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
    let Registration { sku, name, price, about } = &command.body;
    let details = Details { name: name.clone(), price: *price, about: about.clone() };
    Ok(command::respond(catalogue::register(&handle, command.call(), sku, &details).await?))
}

/// Changes what is shown of the version that was read.
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
