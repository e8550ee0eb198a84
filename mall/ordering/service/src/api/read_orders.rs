//! `GET /orders/{id}[?at=|?version=]` from the order itself, `GET /orders` from the read model.

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bongsu_host::{list::List, past::When, principal::Principal, problem::Problem};
use bongsu_runtime::{Handle, Range, Token};
use ordering_domain::{
    events::OrderPlaced,
    order::{Cancellation, OrderState, Orders, Phase},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::projections::orders_of_customer::{BY_CUSTOMER, OrdersOfCustomer, Row, State as RowState, customer_prefix};

#[derive(Deserialize)]
pub(super) struct After {
    /// Wait until the list shows this position.
    after: Option<String>,
}

/// Somebody else's order is answered as if there were none.
pub(super) async fn one(
    State(handle): State<Handle>,
    Path(order): Path<String>,
    principal: Principal,
    When(when): When,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (state, version) = handle.load::<Orders>(&order).await?;
    let mine = state.placed.as_ref().filter(|placed| placed.customer == principal.as_str());
    let placed = mine.ok_or_else(|| Problem::not_found("There is no such order."))?;
    if let Some(moment) = when {
        let (then, _) = handle.load_at::<Orders>(&order, moment).await?;
        return Ok(Json(shown(placed, &then)).into_response());
    }
    let etag = HeaderValue::try_from(format!("\"{version}\"")).map_err(|_| Problem::internal())?;
    if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    Ok(([(header::ETAG, etag)], Json(shown(placed, &state))).into_response())
}

/// The caller's orders, newest first.
pub(super) async fn list(
    State(handle): State<Handle>,
    principal: Principal,
    Query(After { after }): Query<After>,
    list: List,
) -> Result<Response, Problem> {
    if let Some(after) = after {
        let token: Token = after.parse().map_err(|_| Problem::bad_request("`after` is not a position."))?;
        handle.await_token::<OrdersOfCustomer>(&token).await?;
    }
    let range = Range {
        index: Some(BY_CUSTOMER),
        prefix: customer_prefix(principal.as_str()),
        after: list.cursor.clone(),
        descending: true,
        limit: list.limit,
    };
    let page = handle.rows::<OrdersOfCustomer>(range).await?;
    let items = page.rows.into_iter().map(|(order, row)| item(&order, &row)).collect();
    Ok(list.page(items, page.next))
}

fn item(order: &str, row: &Row) -> Value {
    json!({
        "order_id": order,
        "state": row.state,
        "amount": row.amount,
        "lines": row.lines,
        "placed_at": rfc3339(row.placed_at_ms),
    })
}

fn shown(placed: &OrderPlaced, state: &OrderState) -> Value {
    let mut order = json!({
        "order_id": placed.order,
        "state": RowState::of(&state.phase),
        "lines": placed.lines,
        "amount": placed.amount,
        "pay": placed.method,
        "address": placed.address,
        "placed_at": rfc3339(placed.placed_at_ms),
        "expires_at": rfc3339(placed.expires_at_ms),
    });
    match &state.phase {
        Phase::Rejected { why, short } => {
            order["why"] = json!(why);
            order["short"] = json!(short);
        }
        Phase::Cancelled { why } => order["why"] = json!(why),
        Phase::Confirmed { cancellation: Cancellation::Requested } => order["cancellation"] = json!("REQUESTED"),
        Phase::Confirmed { cancellation: Cancellation::Refused } => order["cancellation"] = json!("REFUSED"),
        Phase::Confirmed { cancellation: Cancellation::None } | Phase::Unknown | Phase::Pending | Phase::Completed => {}
    }
    order
}

fn rfc3339(ms: i64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms.unsigned_abs())).to_string()
}
