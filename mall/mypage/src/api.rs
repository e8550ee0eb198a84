//! The HTTP API: one screen per customer.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use bongsu_host::{
    after::After,
    allow::{Allow, Owner},
    etag::{ETag, IfNoneMatch},
    list::{List, Page},
    openapi::{Api, routes},
    problem::Problem,
    sse::{EventStream, SseItem},
};
use bongsu_runtime::{Handle, Range, rfc3339};
use money::Money;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    heard::Line,
    heard::OrderId,
    order_history::{
        BY_CUSTOMER, CancellationPart, DeliveryPart, OrderHistory, OrderPart, PaymentPart, Row, Status, StockPart,
        Told, customer_prefix,
    },
};

/// An order's whole life, as far as it was heard: one part for each context.
#[derive(Serialize, ToSchema)]
struct MyOrder {
    #[schema(value_type = String)]
    order_id: OrderId,
    status: Status,
    ordering: OrderPart,
    #[schema(required)]
    cancellation: Option<CancellationPart>,
    /// Why it was rejected or cancelled.
    #[schema(required)]
    why: Option<String>,
    #[schema(required)]
    stock: Option<StockPart>,
    #[schema(required)]
    payment: Option<PaymentPart>,
    #[schema(required)]
    delivery: Option<DeliveryPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lines: Option<Vec<Line>>,
    /// Sum of the lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    amount: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    placed_at: Option<String>,
    /// Everything that was heard of it, as it happened.
    told: Vec<Heard>,
    /// Everybody has said his last word: nothing more will be heard of it.
    settled: bool,
}

/// A fact of an order's life.
#[derive(Serialize, ToSchema)]
struct Heard {
    /// Who said it.
    context: String,
    /// What happened.
    fact: String,
    #[schema(format = DateTime)]
    at: String,
}

/// The orders of a customer with everything that was heard of them.
pub fn api() -> Api<Handle> {
    Api::new("mypage")
        .about("The orders of a customer, with everything that was heard of them.")
        .routes(Allow::Owner(&[]), routes!(list))
        .routes(Allow::Owner(&[]), routes!(one))
        .routes(Allow::Owner(&[]), routes!(follow))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}

/// The caller's orders, newest first.
#[utoipa::path(
    get, path = "/mypage/orders", operation_id = "listMyOrders", params(After, List),
    responses((status = 200, description = "A page.", body = Page<MyOrder>)),
)]
async fn list(State(handle): State<Handle>, owner: Owner, after: After, list: List) -> Result<Response, Problem> {
    after.shown_by::<OrderHistory>(&handle).await?;
    let range = Range {
        index: Some(BY_CUSTOMER),
        prefix: customer_prefix(owner.as_str()),
        after: list.cursor.clone(),
        descending: true,
        limit: list.limit,
    };
    let page = handle.rows::<OrderHistory>(range).await?;
    Ok(list.page(page.rows.into_iter().map(|(_, row)| MyOrder::of(row)).collect(), page.next))
}

/// One of the caller's orders.
#[utoipa::path(
    get, path = "/mypage/orders/{id}", operation_id = "readMyOrder", params(After, IfNoneMatch),
    responses((status = 200, description = "The order as far as it was heard.", body = MyOrder)),
)]
async fn one(
    State(handle): State<Handle>,
    Path(order): Path<OrderId>,
    owner: Owner,
    after: After,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    after.shown_by::<OrderHistory>(&handle).await?;
    let row = handle.revised_row::<OrderHistory>(&order).await?;
    let mine = |row: &Row| row.placed.as_ref().is_some_and(|placed| owner.owns(&placed.customer));
    match row.filter(|(row, _)| mine(row)) {
        Some((row, revision)) => Ok(known.answer(&ETag::revision(revision), &MyOrder::of(row))),
        None => Err(Problem::not_found("There is no such order.")),
    }
}

/// One of the caller's orders as it moves (`text/event-stream`).
///
/// Each event is named `order` and has the whole order as data; its id is how many facts were heard. A client that comes back is
/// sent the order as it is. The stream ends when everybody has said his last word; 204 when the client has heard that.
#[utoipa::path(
    get, path = "/mypage/orders/{id}/events", operation_id = "followMyOrder",
    params(After, EventStream),
    responses(
        (status = 200, description = "The order, again whenever something was heard of it.", body = MyOrder, content_type = "text/event-stream"),
        (status = 204, description = "Everything was heard."),
    ),
)]
async fn follow(
    State(handle): State<Handle>,
    Path(order): Path<OrderId>,
    owner: Owner,
    after: After,
    stream: EventStream,
) -> Result<Response, Problem> {
    after.shown_by::<OrderHistory>(&handle).await?;
    let row = handle.row::<OrderHistory>(&order).await?;
    let mine = |row: &Row| row.placed.as_ref().is_some_and(|placed| owner.owns(&placed.customer));
    let row = row.filter(mine).ok_or_else(|| Problem::not_found("There is no such order."))?;
    if row.is_settled() && stream.heard() >= row.told.len() as u64 {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(stream.show::<OrderHistory, _, _>(handle, &order, |row: Row| {
        let (far, last) = (row.told.len() as u64, row.is_settled());
        (far, SseItem { event: "order", data: MyOrder::of(row), last })
    }))
}

impl Heard {
    fn of(told: Told) -> Self {
        let (context, fact) = told.fact.split_once('.').unwrap_or_default();
        Self { context: context.to_owned(), fact: fact.to_owned(), at: rfc3339(told.at_ms) }
    }
}

impl MyOrder {
    fn of(row: Row) -> Self {
        let status = row.status();
        let settled = row.is_settled();
        let (amount, placed_at) = row.placed.as_ref().map(|placed| (placed.amount, rfc3339(placed.at_ms))).unzip();
        Self {
            order_id: row.order,
            status,
            ordering: row.ordering,
            cancellation: row.cancellation,
            why: row.why,
            stock: row.stock,
            payment: row.payment,
            delivery: row.delivery,
            lines: row.placed.map(|placed| placed.lines),
            amount,
            placed_at,
            told: row.told.into_iter().map(Heard::of).collect(),
            settled,
        }
    }
}
