//! `/stock/{sku}`: how much there is, and what operators do about it.

use axum::{
    Json as Answered,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use bongsu_core::Wire;
use bongsu_host::{
    command::{self, Command},
    problem::Problem,
};
use bongsu_runtime::{Call, Handle, Outcome, Reply};
use product_domain::{
    adjust_stock::AdjustStock,
    receive_stock::ReceiveStock,
    stock::{Stock, StockRejection},
};
use serde::Deserialize;
use serde_json::json;

use super::products::find;

#[derive(Deserialize)]
pub(super) struct Receipt {
    quantity: u32,
}

#[derive(Deserialize)]
pub(super) struct Adjustment {
    by: i64,
}

pub(super) async fn one(State(handle): State<Handle>, Path(sku): Path<String>) -> Result<Response, Problem> {
    known(&handle, &sku).await?;
    let (stock, _) = handle.load::<Stock>(&sku).await?;
    let (on_hand, reserved, available) = (stock.on_hand, stock.reserved, stock.available());
    let body = json!({ "sku": sku, "on_hand": on_hand, "reserved": reserved, "available": available });
    Ok(Answered(body).into_response())
}

pub(super) async fn receive(
    State(handle): State<Handle>,
    Path(sku): Path<String>,
    command: Command<Receipt>,
) -> Result<Response, Problem> {
    let quantity = command.body.quantity;
    stock_command(&handle, command.call(), &sku, &ReceiveStock { sku: sku.clone(), quantity }).await
}

pub(super) async fn adjust(
    State(handle): State<Handle>,
    Path(sku): Path<String>,
    command: Command<Adjustment>,
) -> Result<Response, Problem> {
    let by = command.body.by;
    stock_command(&handle, command.call(), &sku, &AdjustStock { sku: sku.clone(), by }).await
}

async fn stock_command(handle: &Handle, call: &Call, sku: &str, command: &impl Wire) -> Result<Response, Problem> {
    known(handle, sku).await?;
    Ok(command::respond(handle.execute(command, call, &reply).await?))
}

async fn known(handle: &Handle, sku: &str) -> Result<(), Problem> {
    match find(handle, sku).await? {
        Some(_) => Ok(()),
        None => Err(Problem::not_found("There is no such product.")),
    }
}

fn reply(outcome: &Outcome<'_>) -> Reply {
    match outcome {
        Outcome::Accepted { id, token, .. } => {
            command::reply(StatusCode::CREATED, &json!({ "sku": id, "position": token.to_string() }))
        }
        Outcome::Rejected { .. } => {
            outcome.rejection::<StockRejection>().map_or_else(Problem::internal, problem).reply()
        }
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
