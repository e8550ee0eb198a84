//! `GET /deliveries?order=`: where the parcel of an order is.

use axum::{extract::State, response::Response};
use bongsu_host::{
    list::{List, Page},
    principal::Principal,
    problem::Problem,
    query::Query,
};
use bongsu_runtime::Handle;
use delivery_domain::delivery::{Deliveries, DeliveryState, Phase};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfOrder {
    /// Of which order.
    order: String,
}

/// A delivery.
#[derive(Serialize, ToSchema)]
pub(super) struct Delivery {
    delivery_id: String,
    order_id: String,
    state: DeliveryStatus,
    /// Where it goes, once it is packed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    address: Option<String>,
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
    sku: String,
    /// Its name when it was ordered.
    name: String,
    quantity: u32,
}

/// The delivery of an order.
///
/// A list of one, or of none: an order has one delivery, and may have none yet.
#[utoipa::path(
    get, path = "/deliveries", operation_id = "listDeliveries", params(OfOrder, List), security(("principal" = [])),
    responses((status = 200, description = "The whole list.", body = Page<Delivery>)),
)]
pub(super) async fn of_order(
    State(handle): State<Handle>,
    _: Principal,
    Query(OfOrder { order }): Query<OfOrder>,
    list: List,
) -> Result<Response, Problem> {
    let (state, version) = handle.load::<Deliveries>(&order).await?;
    Ok(list.whole((version > 0).then(|| Delivery::of(order, state)).into_iter().collect()))
}

impl Delivery {
    fn of(order: String, delivery: DeliveryState) -> Self {
        let state = match delivery.phase {
            Phase::Unknown => DeliveryStatus::Unknown,
            Phase::Prepared => DeliveryStatus::Prepared,
            Phase::Departed => DeliveryStatus::Departed,
            Phase::Completed => DeliveryStatus::Completed,
            Phase::Failed => DeliveryStatus::Failed,
            Phase::Cancelled => DeliveryStatus::Cancelled,
        };
        let (address, items) = delivery.parcel.map(|parcel| (parcel.address, parcel.items)).unzip();
        let shown =
            |item: delivery_domain::events::Item| ShownItem { sku: item.sku, name: item.name, quantity: item.quantity };
        let items = items.map(|items| items.into_iter().map(shown).collect());
        Self { delivery_id: order.clone(), order_id: order, state, address, items }
    }
}
