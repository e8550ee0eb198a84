//! The HTTP API: one screen per customer.

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use bongsu_host::{list::List, principal::Principal, problem::Problem};
use bongsu_runtime::{Handle, Range, Token};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::order_history::{BY_CUSTOMER, OrderHistory, Row, customer_prefix};

#[derive(Deserialize)]
struct After {
    /// Wait until the answer shows this position.
    after: Option<String>,
}

/// `GET /mypage/orders[?after=&cursor=&limit=]` and `GET /mypage/orders/{id}[?after=]`.
pub fn routes(handle: Handle) -> Router {
    Router::new().route("/mypage/orders", get(list)).route("/mypage/orders/{id}", get(one)).with_state(handle)
}

/// The caller's orders, newest first.
async fn list(
    State(handle): State<Handle>,
    principal: Principal,
    Query(after): Query<After>,
    list: List,
) -> Result<Response, Problem> {
    after.wait(&handle).await?;
    let range = Range {
        index: Some(BY_CUSTOMER),
        prefix: customer_prefix(principal.as_str()),
        after: list.cursor.clone(),
        descending: true,
        limit: list.limit,
    };
    let page = handle.rows::<OrderHistory>(range).await?;
    Ok(list.page(page.rows.iter().map(|(_, row)| shown(row)).collect(), page.next))
}

async fn one(
    State(handle): State<Handle>,
    Path(order): Path<String>,
    principal: Principal,
    Query(after): Query<After>,
) -> Result<Json<Value>, Problem> {
    after.wait(&handle).await?;
    let row = handle.row::<OrderHistory>(&order).await?;
    let mine = |row: &Row| row.placed.as_ref().is_some_and(|placed| placed.customer == principal.as_str());
    match row.filter(mine) {
        Some(row) => Ok(Json(shown(&row))),
        None => Err(Problem::not_found("There is no such order.")),
    }
}

impl After {
    async fn wait(&self, handle: &Handle) -> Result<(), Problem> {
        let Some(after) = &self.after else { return Ok(()) };
        let token: Token = after.parse().map_err(|_| Problem::bad_request("`after` is not a position."))?;
        Ok(handle.await_token::<OrderHistory>(&token).await?)
    }
}

fn shown(row: &Row) -> Value {
    let mut order = json!({
        "order_id": row.order,
        "status": row.status(),
        "ordering": row.ordering,
        "cancellation": row.cancellation,
        "why": row.why,
        "stock": row.stock,
        "payment": row.payment,
        "delivery": row.delivery,
    });
    if let Some(placed) = &row.placed {
        order["lines"] = json!(placed.lines);
        order["amount"] = json!(placed.amount);
        order["placed_at"] = json!(rfc3339(placed.at_ms));
    }
    order
}

fn rfc3339(ms: i64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms.unsigned_abs())).to_string()
}
