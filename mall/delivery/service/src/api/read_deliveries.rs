//! `GET /deliveries?order=`: where the parcel of an order is.

use axum::{
    Json,
    extract::{Query, State},
};
use bongsu_host::{principal::Principal, problem::Problem};
use bongsu_runtime::Handle;
use delivery_domain::delivery::{Deliveries, DeliveryState, Phase};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub(super) struct Which {
    order: String,
}

/// A list of one, or of none: an order has one delivery, and may have none yet.
pub(super) async fn of_order(
    State(handle): State<Handle>,
    _: Principal,
    Query(Which { order }): Query<Which>,
) -> Result<Json<Value>, Problem> {
    let (state, version) = handle.load::<Deliveries>(&order).await?;
    let items = if version == 0 { Vec::new() } else { vec![shown(&order, &state)] };
    Ok(Json(json!({ "items": items, "next": null })))
}

fn shown(order: &str, state: &DeliveryState) -> Value {
    let phase = match state.phase {
        Phase::Unknown => "UNKNOWN",
        Phase::Prepared => "PREPARED",
        Phase::Departed => "DEPARTED",
        Phase::Completed => "COMPLETED",
        Phase::Failed => "FAILED",
        Phase::Cancelled => "CANCELLED",
    };
    let mut delivery = json!({ "delivery_id": order, "order_id": order, "state": phase });
    if let Some(parcel) = &state.parcel {
        delivery["address"] = json!(parcel.address);
        delivery["items"] = json!(parcel.items);
    }
    delivery
}
