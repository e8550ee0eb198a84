//! `/stock/{sku}`: how much there is, and what operators do about it.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use bongsu_host::{
    command::{self, Command},
    etag::{ETag, IfNoneMatch},
    idempotency::IdempotencyKey,
    problem::Problem,
    sse::{EventStream, SseItem},
};
use bongsu_runtime::{Call, Followed, Handle, Outcome, Reply};
use product_domain::{
    adjust_stock::AdjustStock,
    events::StockEvent,
    ids::Sku,
    receive_stock::ReceiveStock,
    stock::{Stock, StockCommand, StockRejection, StockState},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::products::find;

/// Goods that came in.
#[derive(Deserialize, ToSchema)]
pub(super) struct Receipt {
    /// How many pieces.
    #[schema(minimum = 1)]
    quantity: u32,
}

/// A correction after counting.
#[derive(Deserialize, ToSchema)]
pub(super) struct Adjustment {
    /// How many pieces more, or fewer.
    by: i64,
}

/// How much there is of a product.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownStock {
    #[schema(value_type = String)]
    sku: Sku,
    /// On the shelf.
    on_hand: u64,
    /// Of these, held for orders.
    reserved: u64,
    /// What can still be ordered.
    available: u64,
}

/// A change of stock that was written down.
#[derive(Serialize, ToSchema)]
pub(super) struct Counted {
    #[schema(value_type = String)]
    sku: Sku,
    /// For `after` of a later read.
    position: String,
}

impl ShownStock {
    fn of(sku: &Sku, stock: &StockState) -> Self {
        Self { sku: sku.clone(), on_hand: stock.on_hand, reserved: stock.reserved, available: stock.available() }
    }
}

/// How much there is of a product.
#[utoipa::path(
    get, path = "/stock/{sku}", operation_id = "readStock", params(IfNoneMatch),
    responses((status = 200, description = "The stock as it is now.", body = ShownStock)),
)]
pub(super) async fn one(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    must_be_sold(&handle, &sku).await?;
    let (stock, version) = handle.load::<Stock>(&sku).await?;
    Ok(known.answer(&ETag::version(version), &ShownStock::of(&sku, &stock)))
}

/// How much there is of a product, as it changes (`text/event-stream`).
///
/// Each event is named `stock` and has the stock after it as data; its id is the stock's version. A client that has heard nothing
/// is told the newest first, one that comes back with `Last-Event-ID` goes on behind it.
#[utoipa::path(
    get, path = "/stock/{sku}/events", operation_id = "followStock",
    params(EventStream),
    responses(
        (status = 200, description = "Events, each with the stock as data.", body = ShownStock, content_type = "text/event-stream"),
    ),
)]
pub(super) async fn follow(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    stream: EventStream,
) -> Result<Response, Problem> {
    must_be_sold(&handle, &sku).await?;
    let (_, version) = handle.load::<Stock>(&sku).await?;
    let follower = handle.follow::<Stock>(&sku);
    let tell = move |change: &Followed<StockEvent, StockState>| SseItem {
        event: "stock",
        data: ShownStock::of(&sku, &change.state),
        last: false,
    };
    stream.begin_behind(version.saturating_sub(1)).follow(follower, version, false, tell)
}

/// Goods came in.
#[utoipa::path(
    post, path = "/stock/{sku}/receipts", operation_id = "receiveStock", params(IdempotencyKey),
    request_body = Receipt, responses((status = 201, description = "On the shelf.", body = Counted)),
)]
pub(super) async fn receive(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    command: Command<Receipt>,
) -> Result<Response, Problem> {
    let quantity = command.body.quantity;
    stock_command(&handle, command.call(), &sku, ReceiveStock { sku: sku.clone(), quantity }).await
}

/// Corrects the count, never below what orders hold.
#[utoipa::path(
    post, path = "/stock/{sku}/adjustments", operation_id = "adjustStock", params(IdempotencyKey),
    request_body = Adjustment, responses((status = 201, description = "Corrected.", body = Counted)),
)]
pub(super) async fn adjust(
    State(handle): State<Handle>,
    Path(sku): Path<Sku>,
    command: Command<Adjustment>,
) -> Result<Response, Problem> {
    let by = command.body.by;
    stock_command(&handle, command.call(), &sku, AdjustStock { sku: sku.clone(), by }).await
}

async fn stock_command(
    handle: &Handle,
    call: &Call,
    sku: &Sku,
    command: impl Into<StockCommand>,
) -> Result<Response, Problem> {
    must_be_sold(handle, sku).await?;
    Ok(command::respond(handle.execute::<Stock, _>(command, call, reply).await?))
}

async fn must_be_sold(handle: &Handle, sku: &Sku) -> Result<(), Problem> {
    match find(handle, sku).await? {
        Some(_) => Ok(()),
        None => Err(Problem::not_found("There is no such product.")),
    }
}

fn reply(outcome: Outcome<'_, StockRejection>) -> Reply {
    match outcome {
        Outcome::Accepted { id, token, .. } => {
            command::reply(StatusCode::CREATED, &Counted { sku: id.into(), position: token.to_string() })
        }
        Outcome::Rejected(rejection) => problem(rejection).reply(),
    }
}

fn problem(rejection: StockRejection) -> Problem {
    match rejection {
        StockRejection::NothingReceived => Problem::invalid("/quantity", "at least 1"),
        StockRejection::TooMuch { most } => {
            Problem::new(StatusCode::CONFLICT, "shelf-full", "The shelf holds no more").with("most", most)
        }
        StockRejection::BelowReserved { reserved } => {
            Problem::new(StatusCode::CONFLICT, "below-reserved", "Orders hold more than would be left")
                .with("reserved", reserved)
        }
    }
}
