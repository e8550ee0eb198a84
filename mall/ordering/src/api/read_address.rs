//! `GET /orders/{id}/address`: where an order goes, for its customer and whoever brings it.

use axum::{
    Json,
    extract::{Path, State},
    http::header::{CACHE_CONTROL, HeaderName},
};
use bongsu_host::{allow::Owner, problem::Problem};
use bongsu_runtime::Handle;
use ordering_domain::{ids::OrderId, order::Orders};

use super::shown::ShownAddress;
use crate::addresses::opened;

/// Where an order goes.
///
/// For its customer, riders and operators. Whoever brings it asks when he needs to know: it is kept nowhere else.
#[utoipa::path(
    get, path = "/orders/{id}/address", operation_id = "readAddress",
    responses((status = 200, description = "Where it goes, as far as that is known.", body = ShownAddress)),
)]
pub(super) async fn handle(
    State(handle): State<Handle>,
    Path(order): Path<OrderId>,
    owner: Owner,
) -> Result<([(HeaderName, &'static str); 1], Json<ShownAddress>), Problem> {
    let (state, _) = handle.load::<Orders>(&order).await?;
    let his = state.placed.as_ref().filter(|placed| owner.owns(&placed.customer));
    let placed = his.ok_or_else(|| Problem::not_found("There is no such order."))?;
    let address = opened(&handle, &placed.customer, &placed.address).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(address.into())))
}
