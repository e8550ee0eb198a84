//! `POST /orders/{id}/cancel`: at once while it is pending, else delivery is asked.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use bongsu_host::{
    command::{self, Command, NoBody},
    problem::Problem,
};
use bongsu_runtime::{Handle, Outcome};
use ordering_domain::cancel_order::CancelOrder;
use serde_json::json;

use super::problems;

pub(super) async fn handle(
    State(handle): State<Handle>,
    Path(order): Path<String>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    let cancel = CancelOrder { order, customer: command.principal().to_owned() };
    let answer = handle.execute(&cancel, command.call(), &|outcome| match outcome {
        Outcome::Accepted { id, token, .. } => {
            command::reply(StatusCode::ACCEPTED, &json!({ "order_id": id, "position": token.to_string() }))
        }
        Outcome::Rejected { .. } => problems::reply(outcome),
    });
    Ok(command::respond(answer.await?))
}
