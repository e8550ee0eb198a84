//! `GET /orders/{id}[?at=|?version=]` from the order itself, `GET /orders` from the read model.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use bongsu_host::{
    after::After,
    allow::Owner,
    etag::{ETag, IfNoneMatch},
    list::{List, Page},
    past::When,
    problem::Problem,
};
use bongsu_runtime::{Handle, Range};
use ordering_domain::{ids::OrderId, order::Orders};

use super::shown::{Order, OrderItem};
use crate::{
    addresses::opened,
    projections::orders_of_customer::{BY_CUSTOMER, OrdersOfCustomer, customer_prefix},
};

/// An order.
///
/// Somebody else's order is answered as if there were none. As it was once, it has no `ETag`.
#[utoipa::path(
    get, path = "/orders/{id}", operation_id = "readOrder", params(When, IfNoneMatch),
    responses((status = 200, description = "The order as it is now.", body = Order)),
)]
pub(super) async fn one(
    State(handle): State<Handle>,
    Path(order): Path<OrderId>,
    owner: Owner,
    When(when): When,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let (state, version) = handle.load::<Orders>(&order).await?;
    let mine = state.placed.as_ref().filter(|placed| owner.owns(&placed.customer));
    let placed = mine.ok_or_else(|| Problem::not_found("There is no such order."))?;
    let address = opened(&handle, &placed.customer, &placed.address).await?.into();
    if let Some(moment) = when {
        let (then, _) = handle.load_at::<Orders>(&order, moment).await?;
        return Ok(Json(Order::of(placed, &then, address)).into_response());
    }
    Ok(known.answer(&ETag::version(version), &Order::of(placed, &state, address)))
}

/// The caller's orders, newest first.
#[utoipa::path(
    get, path = "/orders", operation_id = "listOrders", params(After, List),
    responses((status = 200, description = "A page.", body = Page<OrderItem>)),
)]
pub(super) async fn list(
    State(handle): State<Handle>,
    owner: Owner,
    after: After,
    list: List,
) -> Result<Response, Problem> {
    after.shown_by::<OrdersOfCustomer>(&handle).await?;
    let range = Range {
        index: Some(BY_CUSTOMER),
        prefix: customer_prefix(owner.as_str()),
        after: list.cursor.clone(),
        descending: true,
        limit: list.limit,
    };
    let page = handle.rows::<OrdersOfCustomer>(range).await?;
    let items = page.rows.into_iter().map(|(order, row)| OrderItem::of(order.into(), &row)).collect();
    Ok(list.page(items, page.next))
}
