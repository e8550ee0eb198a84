//! `/products`: everybody reads, operators write.

use axum::{
    Json as Answered,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bongsu_host::{
    command::{self, Caller, Command},
    json::Json,
    list::List,
    problem::Problem,
};
use bongsu_runtime::{Handle, Range};
use money::Money;
use product_domain::product::is_sku;
use serde::Deserialize;

use crate::catalogue::{self, Details, ON_SALE, PRODUCTS, Stored, seen};

#[derive(Deserialize)]
pub(super) struct Registration {
    sku: String,
    name: String,
    price: Money,
}

/// What is on sale, by sku.
pub(super) async fn list(State(handle): State<Handle>, list: List) -> Result<Response, Problem> {
    let after = list.cursor.clone();
    let range = Range { index: Some(ON_SALE), prefix: Vec::new(), after, descending: false, limit: list.limit };
    let page = handle.documents::<Stored>(PRODUCTS, range).await?;
    Ok(list.page(page.rows.iter().map(|(_, stored)| stored.shown()).collect(), page.next))
}

pub(super) async fn one(
    State(handle): State<Handle>,
    Path(sku): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let stored = find(&handle, &sku).await?.ok_or_else(|| Problem::not_found("There is no such product."))?;
    let etag = HeaderValue::try_from(stored.etag()).map_err(|_| Problem::internal())?;
    if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    Ok(([(header::ETAG, etag)], Answered(stored.shown())).into_response())
}

pub(super) async fn register(
    State(handle): State<Handle>,
    command: Command<Registration>,
) -> Result<Response, Problem> {
    let Registration { sku, name, price } = &command.body;
    let details = Details { name: name.clone(), price: *price };
    Ok(command::respond(catalogue::register(&handle, command.call(), sku, &details).await?))
}

pub(super) async fn change(
    State(handle): State<Handle>,
    Path(sku): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    Json(details): Json<Details>,
) -> Result<Response, Problem> {
    let seen = seen(headers.get(header::IF_MATCH));
    Ok(command::respond(catalogue::change(&handle, caller.call(), &sku, &details, seen).await?))
}

pub(super) async fn retire(
    State(handle): State<Handle>,
    Path(sku): Path<String>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seen = seen(headers.get(header::IF_MATCH));
    Ok(command::respond(catalogue::retire(&handle, caller.call(), &sku, seen).await?))
}

/// A product on sale; text that can be no product's id is not even looked up.
pub(super) async fn find(handle: &Handle, sku: &str) -> Result<Option<Stored>, Problem> {
    if !is_sku(sku) {
        return Ok(None);
    }
    let stored = handle.document::<Stored>(PRODUCTS, sku).await?;
    Ok(stored.filter(|stored| !stored.product.retired))
}
