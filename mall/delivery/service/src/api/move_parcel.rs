//! `POST /deliveries/{id}/{depart|complete|fail}`: what a courier's people do.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use bongsu_core::Wire;
use bongsu_host::{
    command::{self, Command, NoBody},
    idempotency::IdempotencyKey,
    problem::Problem,
};
use bongsu_runtime::{Call, Handle, Outcome, Reply};
use delivery_domain::{
    complete_delivery::CompleteDelivery, delivery::DeliveryRejection, depart::Depart, fail_delivery::FailDelivery,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong.
#[derive(Deserialize, ToSchema)]
pub(super) struct Failure {
    /// In the courier's words: no control characters.
    #[schema(min_length = 1, max_length = 200)]
    why: String,
}

/// A parcel that was moved.
#[derive(Serialize, ToSchema)]
pub(super) struct Moved {
    delivery_id: String,
    /// For `after` of a later read.
    position: String,
}

/// The parcel leaves.
#[utoipa::path(
    post, path = "/deliveries/{id}/depart", operation_id = "departDelivery", params(IdempotencyKey), request_body = NoBody,
    responses((status = 200, description = "Done.", body = Moved)),
)]
pub(super) async fn depart(
    State(handle): State<Handle>,
    Path(order): Path<String>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    moved(&handle, command.call(), &Depart { order }).await
}

/// The parcel has arrived.
#[utoipa::path(
    post, path = "/deliveries/{id}/complete", operation_id = "completeDelivery", params(IdempotencyKey), request_body = NoBody,
    responses((status = 200, description = "Done.", body = Moved)),
)]
pub(super) async fn complete(
    State(handle): State<Handle>,
    Path(order): Path<String>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    moved(&handle, command.call(), &CompleteDelivery { order }).await
}

/// The parcel cannot be delivered.
#[utoipa::path(
    post, path = "/deliveries/{id}/fail", operation_id = "failDelivery", params(IdempotencyKey), request_body = Failure,
    responses((status = 200, description = "Done.", body = Moved)),
)]
pub(super) async fn fail(
    State(handle): State<Handle>,
    Path(order): Path<String>,
    command: Command<Failure>,
) -> Result<Response, Problem> {
    let why = command.body.why.clone();
    moved(&handle, command.call(), &FailDelivery { order, why }).await
}

async fn moved(handle: &Handle, call: &Call, command: &impl Wire) -> Result<Response, Problem> {
    Ok(command::respond(handle.execute(command, call, &reply).await?))
}

fn reply(outcome: &Outcome<'_>) -> Reply {
    match outcome {
        Outcome::Accepted { id, token, .. } => {
            command::reply(StatusCode::OK, &Moved { delivery_id: (*id).to_owned(), position: token.to_string() })
        }
        Outcome::Rejected { .. } => {
            outcome.rejection::<DeliveryRejection>().map_or_else(Problem::internal, problem).reply()
        }
    }
}

fn problem(rejection: DeliveryRejection) -> Problem {
    let conflict = |code, title| Problem::new(StatusCode::CONFLICT, code, title);
    match rejection {
        DeliveryRejection::NoSuchDelivery => Problem::not_found("There is no such delivery."),
        DeliveryRejection::AlreadyPrepared => conflict("already-prepared", "The parcel was packed before"),
        DeliveryRejection::AlreadyCancelled => conflict("already-cancelled", "The parcel was called back"),
        DeliveryRejection::AlreadyDeparted => conflict("already-departed", "The parcel is on its way already"),
        DeliveryRejection::NotDeparted => conflict("not-departed", "The parcel has not left yet"),
        DeliveryRejection::AlreadyEnded => conflict("already-ended", "The delivery has ended"),
        DeliveryRejection::Why { longest } => {
            Problem::invalid("/why", format!("1 to {longest} characters, no control characters"))
        }
    }
}
