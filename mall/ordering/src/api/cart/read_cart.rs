//! `GET /cart[?at=|?version=]`: the cart now, with today's prices, or as it was, without: prices are not the cart's.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bongsu_host::{
    allow::Owner,
    etag::{ETag, IfNoneMatch},
    past::When,
    problem::Problem,
};
use bongsu_runtime::Handle;
use money::Money;
use ordering_domain::{
    cart::{CartLine, CartState, Carts},
    ids::{CartId, OrderId, Sku},
    price_list::Offer,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::offers::offers;

/// A cart.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Cart {
    /// Null while there is none.
    #[schema(value_type = Option<String>, required)]
    cart_id: Option<CartId>,
    state: CartStatus,
    lines: Vec<ShownCartLine>,
    /// Sum of the lines today; null when a line is no longer sold or there is nothing in it. Absent of a past cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Money>)]
    amount: Option<Option<Money>>,
    /// The order the last cart became.
    #[schema(value_type = Option<String>, required)]
    last_order_id: Option<OrderId>,
    version: u64,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum CartStatus {
    Open,
    None,
}

/// So many of one product.
#[derive(Serialize, ToSchema)]
struct ShownCartLine {
    #[schema(value_type = String)]
    sku: Sku,
    quantity: u32,
    /// Null when it is no longer sold. Absent of a past cart, as is its price.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    /// Of one piece, today.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Money>)]
    price: Option<Option<Money>>,
}

/// The caller's cart.
///
/// There is always a cart to look at: before the first, and after each check-out, it is empty. As it was once, it has
/// neither prices nor an `ETag`.
#[utoipa::path(
    get, path = "/cart", operation_id = "readCart", params(When, IfNoneMatch),
    responses((status = 200, description = "The cart.", body = Cart), (status = 404, description = "It was not there then.")),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    owner: Owner,
    When(when): When,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    if let Some(moment) = when {
        let (cart, version) = handle.load_at::<Carts>(owner.as_str(), moment).await?;
        return Ok(Json(shown(&cart, version)).into_response());
    }
    let (cart, version) = handle.load::<Carts>(owner.as_str()).await?;
    let priced = with_prices(&handle, &cart, shown(&cart, version)).await?;
    // Prices change without the cart: the tag covers what is shown, not only the version.
    Ok(known.answer(&ETag::of(version, &priced), &priced))
}

fn shown(cart: &CartState, version: u64) -> Cart {
    Cart {
        cart_id: cart.open.as_ref().map(|open| open.cart.clone()),
        state: if cart.open.is_some() { CartStatus::Open } else { CartStatus::None },
        lines: cart.lines().iter().map(ShownCartLine::of).collect(),
        amount: None,
        last_order_id: cart.last_order.clone(),
        version,
    }
}

async fn with_prices(handle: &Handle, cart: &CartState, mut shown: Cart) -> Result<Cart, Problem> {
    let (mut lines, mut amounts) = (Vec::new(), Vec::new());
    let offers = offers(handle, cart.lines().iter().map(|line| &line.sku)).await?;
    for (line, offer) in cart.lines().iter().zip(offers) {
        let offer = offer.filter(|offer| !offer.retired);
        amounts.push(offer.as_ref().and_then(|offer| offer.price.times(line.quantity).ok()));
        lines.push(ShownCartLine::of(line).priced(offer));
    }
    // With a line that is no longer sold, or two currencies, there is no total: it cannot be checked out either.
    let amounts: Option<Vec<Money>> = amounts.into_iter().collect();
    shown.amount = Some(amounts.and_then(|amounts| Money::sum(amounts).ok().flatten()));
    shown.lines = lines;
    Ok(shown)
}

impl ShownCartLine {
    fn of(line: &CartLine) -> Self {
        Self { sku: line.sku.clone(), quantity: line.quantity, name: None, price: None }
    }

    fn priced(self, offer: Option<Offer>) -> Self {
        let (name, price) = offer.map(|offer| (offer.name, offer.price)).unzip();
        Self { name: Some(name), price: Some(price), ..self }
    }
}
