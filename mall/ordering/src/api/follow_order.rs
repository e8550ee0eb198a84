//! `GET /orders/{id}/events`: an order's life as it happens, over server-sent events.

use axum::{
    extract::{Path, State},
    response::Response,
};
use bongsu_host::{
    allow::Owner,
    problem::Problem,
    sse::{EventStream, SseItem},
};
use bongsu_runtime::{Followed, Handle};
use ordering_domain::{
    events::OrderEvent,
    ids::OrderId,
    order::{OrderState, Orders, Phase},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::shown::{Order, ShownAddress};
use crate::addresses::opened;

/// What happened to an order, and how it is after that.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderChanged {
    order: Order,
    /// Its way, one step after the other.
    steps: [OrderStep; 3],
}

/// One step of an order's way.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = Step)]
struct OrderStep {
    step: StepName,
    state: StepState,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StepName {
    Placed,
    Confirmed,
    Delivered,
}

/// Whether a step was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StepState {
    /// Not yet.
    Waiting,
    Done,
    /// It never will be.
    Failed,
}

/// An order's events as they are committed (`text/event-stream`).
///
/// The id of an event is the order's version, its name the fact's (`order-confirmed`), its data the order after it. A
/// client that comes back with `Last-Event-ID` goes on behind it. The stream ends with the order; 204 when the client
/// has heard its end.
#[utoipa::path(
    get, path = "/orders/{id}/events", operation_id = "followOrder",
    params(EventStream),
    responses(
        (status = 200, description = "Events, each with an `OrderChanged` as data.", body = OrderChanged, content_type = "text/event-stream"),
        (status = 204, description = "Everything was heard."),
    ),
)]
pub(super) async fn handle(
    State(handle): State<Handle>,
    Path(order): Path<OrderId>,
    owner: Owner,
    stream: EventStream,
) -> Result<Response, Problem> {
    let (state, version) = handle.load::<Orders>(&order).await?;
    let mine = state.placed.as_ref().filter(|placed| owner.owns(&placed.customer));
    let placed = mine.ok_or_else(|| Problem::not_found("There is no such order."))?;
    let address: ShownAddress = opened(&handle, &placed.customer, &placed.address).await?.into();
    let told = move |change: &Followed<OrderEvent, OrderState>| told(change, address.clone());
    stream.follow(handle.follow::<Orders>(&order), version, has_ended(&state.phase), told)
}

/// An order's address never changes; whoever is forgotten follows nothing five seconds later.
fn told(change: &Followed<OrderEvent, OrderState>, address: ShownAddress) -> SseItem<OrderChanged> {
    let placed = change.state.placed.as_ref().expect("the first event of an order is that it was placed");
    let phase = &change.state.phase;
    let order = Order::of(placed, &change.state, address);
    let data = OrderChanged { order, steps: steps(phase, change.state.confirmed) };
    SseItem { event: name(&change.event), data, last: has_ended(phase) }
}

fn steps(phase: &Phase, confirmed: bool) -> [OrderStep; 3] {
    let failed = matches!(phase, Phase::Rejected { .. } | Phase::Cancelled { .. });
    let taken = |taken: bool| match (taken, failed) {
        (true, _) => StepState::Done,
        (false, true) => StepState::Failed,
        (false, false) => StepState::Waiting,
    };
    [
        OrderStep { step: StepName::Placed, state: StepState::Done },
        OrderStep { step: StepName::Confirmed, state: taken(confirmed) },
        OrderStep { step: StepName::Delivered, state: taken(matches!(phase, Phase::Completed)) },
    ]
}

fn has_ended(phase: &Phase) -> bool {
    matches!(phase, Phase::Rejected { .. } | Phase::Cancelled { .. } | Phase::Completed)
}

/// The names the facts have.
fn name(event: &OrderEvent) -> &'static str {
    match event {
        OrderEvent::Placed(_) => "order-placed",
        OrderEvent::Confirmed(_) => "order-confirmed",
        OrderEvent::Rejected(_) => "order-rejected",
        OrderEvent::CancellationRequested(_) => "cancellation-requested",
        OrderEvent::CancellationRefused(_) => "cancellation-refused",
        OrderEvent::Cancelled(_) => "order-cancelled",
        OrderEvent::Completed(_) => "order-completed",
    }
}
