//! `POST /orders`: looks up the offers in this context's own price list and asks the domain.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use bongsu_host::{
    command::{self, Command},
    problem::Problem,
};
use bongsu_runtime::{Handle, Outcome, Reply, Token};
use ordering_domain::{
    events::Method,
    place_order::{MOST_LINES, PlaceOrder, WantedLine},
};
use serde::Deserialize;
use serde_json::json;

use super::{offers::offer, problems};

#[derive(Deserialize)]
pub(super) struct Body {
    lines: Vec<Line>,
    address: String,
    pay: Pay,
}

#[derive(Deserialize)]
struct Line {
    sku: String,
    quantity: u32,
    /// What the customer saw on the page, for one piece.
    #[serde(default)]
    price_minor: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Pay {
    Card,
}

/// 202: stored, PENDING. `position` makes a later read wait until it shows this order.
pub(super) async fn handle(State(handle): State<Handle>, command: Command<Body>) -> Result<Response, Problem> {
    let body = &command.body;
    let mut lines = Vec::new();
    for line in &body.lines {
        let offer = if body.lines.len() <= MOST_LINES { offer(&handle, &line.sku).await? } else { None };
        let (sku, quantity, seen_minor) = (line.sku.clone(), line.quantity, line.price_minor);
        lines.push(WantedLine { sku, quantity, seen_minor, offer });
    }
    let place = PlaceOrder {
        customer: command.principal().to_owned(),
        lines,
        address: body.address.clone(),
        method: body.pay.method(),
    };
    Ok(command::respond(handle.execute(&place, command.call(), &reply).await?))
}

fn reply(outcome: &Outcome<'_>) -> Reply {
    match outcome {
        Outcome::Accepted { id, token, .. } => placed(id, token),
        Outcome::Rejected { .. } => problems::reply(outcome),
    }
}

/// The answer to whoever placed an order, however it came about.
pub(super) fn placed(order: &str, token: &Token) -> Reply {
    let body = json!({ "order_id": order, "state": "PENDING", "position": token.to_string() });
    let mut reply = command::reply(StatusCode::ACCEPTED, &body);
    reply.headers.push((header::LOCATION.to_string(), format!("/orders/{order}")));
    reply
}

impl Pay {
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Card => Method::Card,
        }
    }
}
