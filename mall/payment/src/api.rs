//! The HTTP API, `GET /payments?order=`: what became of the money of an order. Handlers only translate states to JSON.

use axum::{Router, extract::State, response::Response};
use bongsu_host::{
    allow::{Allow, Owner},
    list::{List, Page},
    openapi::{Api, routes},
    problem::Problem,
    query::Query,
};
use bongsu_runtime::Handle;
use money::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::payment::{Charge, OrderId, PaymentState, Payments};

/// What became of the money of an order.
pub fn api() -> Api<Handle> {
    Api::new("payment")
        .about("Payments: what became of the money of an order.")
        .routes(Allow::Owner(&["operator"]), routes!(of_order))
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

/// A payment.
#[derive(Serialize, ToSchema)]
struct Payment {
    #[schema(value_type = String)]
    order_id: OrderId,
    state: PaymentStatus,
    /// The order ended without being delivered.
    order_ended: bool,
    /// What the order costs, once that was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    amount: Option<Money>,
    /// Why it was declined, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// How far a payment is.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum PaymentStatus {
    /// For stock, or for the order.
    Waiting,
    /// The provider is asked; the outcome is not known.
    Requested,
    /// It was too late to ask.
    Forgone,
    Declined,
    Captured,
    /// The provider is asked to give it back.
    RefundRequested,
    Refunded,
}

/// The payment of an order.
///
/// A list of one, or of none: an order has one payment, and may have none yet; to its customer it is not there before.
#[utoipa::path(
    get, path = "/payments", operation_id = "listPayments", params(OfOrder, List),
    responses((status = 200, description = "The whole list.", body = Page<Payment>)),
)]
async fn of_order(
    State(handle): State<Handle>,
    Query(OfOrder { order }): Query<OfOrder>,
    owner: Owner,
    list: List,
) -> Result<Response, Problem> {
    let (state, version) = handle.load::<Payments>(&order).await?;
    let customer = state.intent.as_ref().and_then(|intent| intent.customer.as_deref()).unwrap_or_default();
    if !owner.owns(customer) {
        return Err(Problem::not_found("There is no payment of this order."));
    }
    Ok(list.whole((version > 0).then(|| Payment::of(order, state)).into_iter().collect()))
}

impl Payment {
    fn of(order_id: OrderId, payment: PaymentState) -> Self {
        let (state, reason) = match payment.charge {
            Charge::None => (PaymentStatus::Waiting, None),
            Charge::Requested => (PaymentStatus::Requested, None),
            Charge::Forgone => (PaymentStatus::Forgone, None),
            Charge::Declined { reason } => (PaymentStatus::Declined, Some(reason)),
            Charge::Captured { .. } => (PaymentStatus::Captured, None),
            Charge::RefundRequested { .. } => (PaymentStatus::RefundRequested, None),
            Charge::Refunded { .. } => (PaymentStatus::Refunded, None),
        };
        let amount = payment.intent.map(|intent| intent.amount);
        Self { order_id, state, order_ended: payment.ended, amount, reason }
    }
}
