//! `GET /payments?order=`: what became of the money of an order.

use axum::{
    Json,
    extract::{Query, State},
};
use bongsu_host::{principal::Principal, problem::Problem};
use bongsu_runtime::Handle;
use payment_domain::payment::{Charge, PaymentState, Payments};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub(super) struct Which {
    order: String,
}

/// A list of one, or of none: an order has one payment, and may have none yet.
pub(super) async fn of_order(
    State(handle): State<Handle>,
    _: Principal,
    Query(Which { order }): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let (state, version) = handle.load::<Payments>(&order).await?;
    let items = if version == 0 { Vec::new() } else { vec![shown(&order, &state)] };
    Ok(Json(json!({ "items": items, "next": null })))
}

fn shown(order: &str, state: &PaymentState) -> Value {
    let status = match &state.charge {
        Charge::None => "WAITING",
        Charge::Requested => "REQUESTED",
        Charge::Forgone => "FORGONE",
        Charge::Declined { .. } => "DECLINED",
        Charge::Captured { .. } => "CAPTURED",
        Charge::RefundRequested { .. } => "REFUND_REQUESTED",
        Charge::Refunded { .. } => "REFUNDED",
    };
    let mut payment = json!({ "order_id": order, "state": status, "order_ended": state.ended });
    if let Some(intent) = &state.intent {
        payment["amount"] = json!(intent.amount);
    }
    if let Charge::Declined { reason } = &state.charge {
        payment["reason"] = json!(reason);
    }
    payment
}
