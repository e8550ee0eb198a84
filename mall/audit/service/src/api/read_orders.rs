//! `GET /audit/orders`: the orders about which the contexts disagree, the longest first.
//! `GET /audit/orders/{id}`: one order, also when nothing is wrong with it.

use std::time::{Duration, UNIX_EPOCH};

use audit_domain::{
    inspection::{Inspections, Wrong},
    rules::Finding,
};
use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use bongsu_host::{list::List, principal::Principal, problem::Problem};
use bongsu_runtime::{Handle, Range};
use serde_json::{Value, json};

use crate::projections::disagreements::{BY_BEGINNING, Disagreements};

pub(super) async fn list(State(handle): State<Handle>, _: Principal, list: List) -> Result<Response, Problem> {
    let range = Range { index: Some(BY_BEGINNING), after: list.cursor.clone(), limit: list.limit, ..Range::default() };
    let page = handle.rows::<Disagreements>(range).await?;
    let items = page.rows.iter().map(|(order, row)| shown(order, &row.findings, Some(row.since_ms)));
    Ok(list.page(items.collect(), page.next))
}

/// From the inspection itself, so that it is never behind what was found; 404 when nobody ever spoke of it.
pub(super) async fn one(
    State(handle): State<Handle>,
    Path(order): Path<String>,
    _: Principal,
) -> Result<Json<Value>, Problem> {
    let (state, _) = handle.load::<Inspections>(&order).await?;
    match state.wrong {
        _ if !state.taken_up => Err(Problem::not_found("Nobody has told anything of such an order.")),
        None => Ok(Json(shown(&order, &[], None))),
        Some(Wrong { findings, since_ms }) => Ok(Json(shown(&order, &findings, Some(since_ms)))),
    }
}

fn shown(order: &str, findings: &[Finding], since_ms: Option<i64>) -> Value {
    json!({ "order_id": order, "since": since_ms.map(rfc3339), "findings": findings })
}

fn rfc3339(ms: i64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms.unsigned_abs())).to_string()
}
