//! `POST /deliveries/{id}/{depart|complete|fail}`: what a courier's people do.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use bongsu_core::Wire;
use bongsu_host::{
    command::{self, Command, NoBody},
    problem::Problem,
};
use bongsu_runtime::{Call, Handle, Outcome, Reply};
use delivery_domain::{
    complete_delivery::CompleteDelivery, delivery::DeliveryRejection, depart::Depart, fail_delivery::FailDelivery,
};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
pub(super) struct Failure {
    why: String,
}

pub(super) async fn depart(
    State(handle): State<Handle>,
    Path(order): Path<String>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    moved(&handle, command.call(), &Depart { order }).await
}

pub(super) async fn complete(
    State(handle): State<Handle>,
    Path(order): Path<String>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    moved(&handle, command.call(), &CompleteDelivery { order }).await
}

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
            command::reply(StatusCode::OK, &json!({ "delivery_id": id, "position": token.to_string() }))
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
