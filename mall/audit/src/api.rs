//! The HTTP API, reads only: the orders about which the contexts disagree, one order, and how much there is to agree on.

use axum::{
    Json, Router,
    extract::{Path, State},
    response::Response,
};
use bongsu_host::{
    allow::Allow,
    etag::{ETag, IfNoneMatch},
    list::{List, Page},
    openapi::{Api, routes},
    problem::Problem,
};
use bongsu_runtime::{Handle, Range, rfc3339};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    heard::OrderId,
    inspection::{Inspections, Wrong},
    rules::Finding,
    views::{BY_BEGINNING, Disagreements, OrdersHeard},
};

/// Who looks after the mall.
const KEEPERS: Allow = Allow::Roles(&["operator"]);

/// Orders about which the contexts disagree.
pub fn api() -> Api<Handle> {
    Api::new("audit")
        .about("Orders about which the contexts disagree.")
        .routes(KEEPERS, routes!(list))
        .routes(KEEPERS, routes!(one))
        .routes(KEEPERS, routes!(summary))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}

/// What was found about an order.
#[derive(Serialize, ToSchema)]
struct Inspected {
    #[schema(value_type = String)]
    order_id: OrderId,
    /// Since when something is wrong; null when nothing is.
    #[schema(required, format = DateTime)]
    since: Option<String>,
    findings: Vec<ShownFinding>,
}

/// A rule that an order breaks.
#[derive(Serialize, ToSchema)]
struct ShownFinding {
    /// The rule's name: stable, for programs.
    rule: String,
    /// Who disagrees.
    contexts: Vec<String>,
    /// What they say, for people.
    detail: String,
}

/// The orders about which the contexts disagree, the longest first.
#[utoipa::path(
    get, path = "/audit/orders", operation_id = "listDisagreements", params(List),
    responses((status = 200, description = "A page.", body = Page<Inspected>)),
)]
async fn list(State(handle): State<Handle>, list: List) -> Result<Response, Problem> {
    let range = Range { index: Some(BY_BEGINNING), after: list.cursor.clone(), limit: list.limit, ..Range::default() };
    let page = handle.rows::<Disagreements>(range).await?;
    let items = page.rows.into_iter().map(|(order, row)| Inspected::of(order.into(), row.findings, Some(row.since_ms)));
    Ok(list.page(items.collect(), page.next))
}

/// One order, also when nothing is wrong with it.
///
/// From the inspection itself, so that it is never behind what was found; 404 when nobody ever spoke of it.
#[utoipa::path(
    get, path = "/audit/orders/{id}", operation_id = "readInspection", params(IfNoneMatch),
    responses((status = 200, description = "As it is now.", body = Inspected)),
)]
async fn one(
    State(handle): State<Handle>,
    Path(order): Path<OrderId>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let (state, version) = handle.load::<Inspections>(&order).await?;
    let shown = match state.wrong {
        _ if !state.taken_up => return Err(Problem::not_found("Nobody has told anything of such an order.")),
        None => Inspected::of(order, Vec::new(), None),
        Some(Wrong { findings, since_ms }) => Inspected::of(order, findings, Some(since_ms)),
    };
    Ok(known.answer(&ETag::version(version), &shown))
}

impl Inspected {
    fn of(order_id: OrderId, findings: Vec<Finding>, since_ms: Option<i64>) -> Self {
        let shown = |found: Finding| ShownFinding { rule: found.rule, contexts: found.contexts, detail: found.detail };
        Self { order_id, since: since_ms.map(rfc3339), findings: findings.into_iter().map(shown).collect() }
    }
}

/// More rows than there are shards.
const EVERY_SHARD: u32 = 100;
/// So many disagreeing orders are counted: with more it is the same incident, and counting them all would read the table.
const COUNTED: u32 = 1_000;

/// How much there is to be agreed on.
#[derive(Serialize, ToSchema)]
struct Summary {
    /// Orders heard of.
    orders: u64,
    /// Of these, orders about which the contexts disagree; counted up to 1 000.
    disagreeing: usize,
}

/// How many orders were heard of, and how many of them disagree.
#[utoipa::path(
    get, path = "/audit/summary", operation_id = "readSummary",
    responses((status = 200, description = "As it is now.", body = Summary)),
)]
async fn summary(State(handle): State<Handle>) -> Result<Json<Summary>, Problem> {
    let shards = handle.rows::<OrdersHeard>(Range { limit: EVERY_SHARD, ..Range::default() }).await?;
    let orders: u64 = shards.rows.iter().map(|(_, count)| count.orders).sum();
    // A kept number would need facts that say whether an order disagreed before; one page needs none.
    let page = handle.rows::<Disagreements>(Range { limit: COUNTED, ..Range::default() }).await?;
    Ok(Json(Summary { orders, disagreeing: page.rows.len() }))
}
