//! The HTTP API: where the parcel of an order is, and moving it by hand. Handlers only translate. Where it goes is sealed here, and
//! ordering's to say.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use bongsu_host::{
    allow::{Allow, Owner},
    command::{self, Command, NoBody},
    idempotency::IdempotencyKey,
    list::{List, Page},
    openapi::{Api, routes},
    problem::Problem,
    query::Query,
};
use bongsu_runtime::{Call, Handle, Outcome, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::delivery::{
    CompleteDelivery, Deliveries, DeliveryCommand, DeliveryRejection, DeliveryState, Depart, FailDelivery, Item,
    OrderId, Phase, Sku,
};

/// Parcels: where they are, and moving them by hand. A delivery's id is its order's.
pub fn api() -> Api<Handle> {
    let carriers = Allow::Roles(&["rider", "operator"]);
    Api::new("delivery")
        .about("Parcels: where they are, and moving them by hand. A delivery's id is its order's.")
        .routes(Allow::Owner(&["rider", "operator"]), routes!(of_order))
        .routes(carriers, routes!(depart))
        .routes(carriers, routes!(complete))
        .routes(carriers, routes!(fail))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfOrder {
    /// Of which order.
    #[param(value_type = String)]
    order: OrderId,
}

/// A delivery.
#[derive(Serialize, ToSchema)]
struct Delivery {
    #[schema(value_type = String)]
    delivery_id: OrderId,
    #[schema(value_type = String)]
    order_id: OrderId,
    state: DeliveryStatus,
    /// What is in it, once it is packed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    items: Option<Vec<ShownItem>>,
}

/// How far a parcel is.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum DeliveryStatus {
    /// Nothing was packed.
    Unknown,
    Prepared,
    Departed,
    Completed,
    Failed,
    Cancelled,
}

/// One kind of thing in a parcel.
#[derive(Serialize, ToSchema)]
struct ShownItem {
    #[schema(value_type = String)]
    sku: Sku,
    /// Its name when it was ordered.
    name: String,
    quantity: u32,
}

/// The delivery of an order.
///
/// A list of one, or of none: an order has one delivery, and may have none yet; to its customer it is not there before.
#[utoipa::path(
    get, path = "/deliveries", operation_id = "listDeliveries", params(OfOrder, List),
    responses((status = 200, description = "The whole list.", body = Page<Delivery>)),
)]
async fn of_order(
    State(handle): State<Handle>,
    Query(OfOrder { order }): Query<OfOrder>,
    owner: Owner,
    list: List,
) -> Result<Response, Problem> {
    let (state, version) = handle.load::<Deliveries>(&order).await?;
    let customer = state.parcel.as_ref().and_then(|parcel| parcel.customer.as_deref()).unwrap_or_default();
    if !owner.owns(customer) {
        return Err(problem(DeliveryRejection::NoSuchDelivery));
    }
    Ok(list.whole((version > 0).then(|| Delivery::of(order, state)).into_iter().collect()))
}

impl Delivery {
    fn of(order: OrderId, delivery: DeliveryState) -> Self {
        let state = match delivery.phase {
            Phase::Unknown => DeliveryStatus::Unknown,
            Phase::Prepared => DeliveryStatus::Prepared,
            Phase::Departed => DeliveryStatus::Departed,
            Phase::Completed => DeliveryStatus::Completed,
            Phase::Failed => DeliveryStatus::Failed,
            Phase::Cancelled => DeliveryStatus::Cancelled,
        };
        let shown = |item: Item| ShownItem { sku: item.sku, name: item.name, quantity: item.quantity };
        let items = delivery.parcel.map(|parcel| parcel.items.into_iter().map(shown).collect());
        Self { delivery_id: order.clone(), order_id: order, state, items }
    }
}

/// What went wrong.
#[derive(Deserialize, ToSchema)]
struct Failure {
    /// In the courier's words: no control characters.
    #[schema(min_length = 1, max_length = 200)]
    why: String,
}

/// A parcel that was moved.
#[derive(Serialize, ToSchema)]
struct Moved {
    #[schema(value_type = String)]
    delivery_id: OrderId,
    /// For `after` of a later read.
    position: String,
}

/// The parcel leaves.
#[utoipa::path(
    post, path = "/deliveries/{id}/depart", operation_id = "departDelivery", params(IdempotencyKey), request_body = NoBody,
    responses((status = 200, description = "Done.", body = Moved)),
)]
async fn depart(
    State(handle): State<Handle>,
    Path(order): Path<OrderId>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    moved(&handle, command.call(), Depart { order }).await
}

/// The parcel has arrived.
#[utoipa::path(
    post, path = "/deliveries/{id}/complete", operation_id = "completeDelivery", params(IdempotencyKey), request_body = NoBody,
    responses((status = 200, description = "Done.", body = Moved)),
)]
async fn complete(
    State(handle): State<Handle>,
    Path(order): Path<OrderId>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    moved(&handle, command.call(), CompleteDelivery { order }).await
}

/// The parcel cannot be delivered.
#[utoipa::path(
    post, path = "/deliveries/{id}/fail", operation_id = "failDelivery", params(IdempotencyKey), request_body = Failure,
    responses((status = 200, description = "Done.", body = Moved)),
)]
async fn fail(
    State(handle): State<Handle>,
    Path(order): Path<OrderId>,
    command: Command<Failure>,
) -> Result<Response, Problem> {
    moved(&handle, command.call(), FailDelivery { order, why: command.body.why.clone() }).await
}

async fn moved(handle: &Handle, call: &Call, command: impl Into<DeliveryCommand>) -> Result<Response, Problem> {
    Ok(command::respond(handle.execute::<Deliveries, _>(command, call, reply).await?))
}

fn reply(outcome: Outcome<'_, DeliveryRejection>) -> Reply {
    match outcome {
        Outcome::Accepted { id, token, .. } => {
            command::reply(StatusCode::OK, &Moved { delivery_id: id.into(), position: token.to_string() })
        }
        Outcome::Rejected(rejection) => problem(rejection).reply(),
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
