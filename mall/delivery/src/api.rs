//! The HTTP API: where the parcel of an order is, and moving it by hand. Handlers only translate. Where a parcel goes is asked of
//! ordering each time: what is kept here is sealed, and ordering has the key as long as the customer is not forgotten.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use bongsu_host::{
    allow::{Allow, Owner},
    asking::Asking,
    command::{self, Command, NoBody},
    idempotency::IdempotencyKey,
    list::{List, Page},
    openapi::{Api, routes},
    problem::Problem,
    query::Query,
};
use bongsu_runtime::{Answered, Behalf, Call, Handle, Outcome, Peer, Question, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::delivery::{
    CompleteDelivery, Deliveries, DeliveryCommand, DeliveryRejection, DeliveryState, Depart, FailDelivery, Item,
    OrderId, Phase, Sku,
};

/// Longest id that is asked for, in bytes: those of orders have forty.
const LONGEST: usize = 100;

/// What the handlers have at hand.
#[derive(Clone)]
pub struct Desk {
    handle: Handle,
    /// Who knows where an order goes.
    ordering: Peer,
}

/// Parcels: where they are, and moving them by hand. A delivery's id is its order's.
pub fn api() -> Api<Desk> {
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
    let ordering = handle.peer("ordering");
    api().serve(Desk { handle, ordering })
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
    /// Where it goes, once it is packed and as long as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    address: Option<String>,
    /// Whether that is known, once it is packed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    address_state: Option<AddressState>,
    /// What is in it, once it is packed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    items: Option<Vec<ShownItem>>,
}

/// Whether an address is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum AddressState {
    Known,
    /// The customer is forgotten, and with him where he had things sent to.
    Forgotten,
    /// Ordering, who knows it, does not say it now.
    Unavailable,
}

/// Where an order goes, in ordering's words.
#[derive(Deserialize)]
struct Destination {
    #[serde(default)]
    address: Option<String>,
    address_state: AddressState,
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
/// A list of one, or of none: an order has one delivery, and may have none yet; to its customer it is not there before. Where it
/// goes is asked of ordering; while that does not answer, the rest stands.
#[utoipa::path(
    get, path = "/deliveries", operation_id = "listDeliveries", params(OfOrder, List),
    responses((status = 200, description = "The whole list.", body = Page<Delivery>)),
)]
async fn of_order(
    State(desk): State<Desk>,
    Query(OfOrder { order }): Query<OfOrder>,
    owner: Owner,
    list: List,
    Asking(behalf): Asking,
) -> Result<Response, Problem> {
    let (state, version) = desk.handle.load::<Deliveries>(&order).await?;
    let customer = state.parcel.as_ref().and_then(|parcel| parcel.customer.as_deref()).unwrap_or_default();
    if !owner.owns(customer) {
        return Err(problem(DeliveryRejection::NoSuchDelivery));
    }
    let to = if state.parcel.is_some() { Some(desk.destination(&behalf, &order).await) } else { None };
    Ok(list.whole((version > 0).then(|| Delivery::of(order, state, to)).into_iter().collect()))
}

impl Desk {
    /// Where an order goes. Nothing of the answer is kept.
    async fn destination(&self, behalf: &Behalf, order: &OrderId) -> Destination {
        let is_an_id =
            order.len() <= LONGEST && order.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        let said = match is_an_id {
            true => self.ordering.ask(behalf, Question::get(format!("/orders/{order}/address"))).await.ok(),
            false => None,
        };
        let read = |said: Answered| serde_json::from_slice(&said.body).ok().filter(|_| said.status == 200);
        said.and_then(read).unwrap_or(Destination { address: None, address_state: AddressState::Unavailable })
    }
}

impl Delivery {
    fn of(order: OrderId, delivery: DeliveryState, to: Option<Destination>) -> Self {
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
        let (address, address_state) = to.map(|to| (to.address, to.address_state)).unzip();
        Self { delivery_id: order.clone(), order_id: order, state, address: address.flatten(), address_state, items }
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
    State(desk): State<Desk>,
    Path(order): Path<OrderId>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    moved(&desk.handle, command.call(), Depart { order }).await
}

/// The parcel has arrived.
#[utoipa::path(
    post, path = "/deliveries/{id}/complete", operation_id = "completeDelivery", params(IdempotencyKey), request_body = NoBody,
    responses((status = 200, description = "Done.", body = Moved)),
)]
async fn complete(
    State(desk): State<Desk>,
    Path(order): Path<OrderId>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    moved(&desk.handle, command.call(), CompleteDelivery { order }).await
}

/// The parcel cannot be delivered.
#[utoipa::path(
    post, path = "/deliveries/{id}/fail", operation_id = "failDelivery", params(IdempotencyKey), request_body = Failure,
    responses((status = 200, description = "Done.", body = Moved)),
)]
async fn fail(
    State(desk): State<Desk>,
    Path(order): Path<OrderId>,
    command: Command<Failure>,
) -> Result<Response, Problem> {
    moved(&desk.handle, command.call(), FailDelivery { order, why: command.body.why.clone() }).await
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
