//! `GET /audit/summary`: how many orders were heard of, and how many of them disagree.

use axum::{Json, extract::State};
use bongsu_host::{principal::Principal, problem::Problem};
use bongsu_runtime::{Handle, Range};
use serde::Serialize;
use utoipa::ToSchema;

use crate::projections::{disagreements::Disagreements, orders_heard::OrdersHeard};

/// More rows than there are shards.
const EVERY_SHARD: u32 = 100;
/// Disagreeing orders read at once.
const PAGE: u32 = 1_000;

/// How much there is to be agreed on.
#[derive(Serialize, ToSchema)]
pub(super) struct Summary {
    /// Orders heard of.
    orders: u64,
    /// Of these, orders about which the contexts disagree.
    disagreeing: usize,
}

/// How many orders were heard of, and how many of them disagree.
#[utoipa::path(
    get, path = "/audit/summary", operation_id = "readSummary", security(("principal" = [])),
    responses((status = 200, description = "As it is now.", body = Summary)),
)]
pub(super) async fn handle(State(handle): State<Handle>, _: Principal) -> Result<Json<Summary>, Problem> {
    let shards = handle.rows::<OrdersHeard>(Range { limit: EVERY_SHARD, ..Range::default() }).await?;
    let orders: u64 = shards.rows.iter().map(|(_, count)| count.orders).sum();
    Ok(Json(Summary { orders, disagreeing: disagreeing(&handle).await? }))
}

/// There are few, or something is very wrong; so they are counted when somebody asks.
async fn disagreeing(handle: &Handle) -> Result<usize, Problem> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = handle.rows::<Disagreements>(Range { after, limit: PAGE, ..Range::default() }).await?;
        count += page.rows.len();
        after = page.next;
        if after.is_none() {
            return Ok(count);
        }
    }
}
