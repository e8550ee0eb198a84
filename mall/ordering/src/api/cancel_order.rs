//! `POST /orders/{id}/cancel`: at once while it is pending, else delivery is asked.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use bongsu_host::{
    allow::Owner,
    command::{self, Command, NoBody},
    idempotency::IdempotencyKey,
    problem::Problem,
};
use bongsu_runtime::{Handle, Outcome};
use ordering_domain::{cancel_order::CancelOrder, ids::OrderId, order::Orders};
use serde::Serialize;
use utoipa::ToSchema;

use super::problems;

/// A wish that was taken.
#[derive(Serialize, ToSchema)]
pub(super) struct CalledBack {
    #[schema(value_type = String)]
    order_id: OrderId,
    /// For `after` of a later read.
    position: String,
}

/// Calls an order back.
///
/// At once while it is pending, else delivery is asked: the order tells how that came out.
#[utoipa::path(
    post, path = "/orders/{id}/cancel", operation_id = "cancelOrder", params(IdempotencyKey), request_body = NoBody,
    responses((status = 202, description = "Taken.", body = CalledBack)),
)]
pub(super) async fn handle(
    State(handle): State<Handle>,
    Path(order): Path<OrderId>,
    owner: Owner,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    let cancel = CancelOrder { order, customer: owner.as_str().into() };
    let answer = handle.execute::<Orders, _>(cancel, command.call(), |outcome| match outcome {
        Outcome::Accepted { id, token, .. } => {
            command::reply(StatusCode::ACCEPTED, &CalledBack { order_id: id.into(), position: token.to_string() })
        }
        Outcome::Rejected(rejection) => problems::problem(rejection).reply(),
    });
    Ok(command::respond(answer.await?))
}
