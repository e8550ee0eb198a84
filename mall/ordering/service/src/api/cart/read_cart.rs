//! `GET /cart[?at=|?version=]`: the cart now, with today's prices, or as it was, without: prices are not the cart's.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bongsu_host::{past::When, principal::Principal, problem::Problem};
use bongsu_runtime::Handle;
use money::Money;
use ordering_domain::{
    cart::{CartLine, CartState, Carts},
    price_list::Offer,
};
use serde_json::{Value, json};

use crate::api::offers::offer;

/// There is always a cart to look at: before the first, and after each check-out, it is empty.
pub(super) async fn handle(
    State(handle): State<Handle>,
    principal: Principal,
    When(when): When,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(moment) = when {
        let (cart, version) = handle.load_at::<Carts>(principal.as_str(), moment).await?;
        return Ok(Json(shown(&cart, version)).into_response());
    }
    let (cart, version) = handle.load::<Carts>(principal.as_str()).await?;
    let priced = with_prices(&handle, &cart, shown(&cart, version)).await?;
    // Prices change without the cart: the tag covers what is shown, not only the version.
    let tag = format!("\"{version}-{:016x}\"", bongsu_core::digest(&[&priced.to_string()]) as u64);
    let etag = HeaderValue::try_from(tag).map_err(|_| Problem::internal())?;
    if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    Ok(([(header::ETAG, etag)], Json(priced)).into_response())
}

fn shown(cart: &CartState, version: u64) -> Value {
    json!({
        "cart_id": cart.open.as_ref().map(|open| &open.cart),
        "state": if cart.open.is_some() { "OPEN" } else { "NONE" },
        "lines": cart.lines(),
        "last_order_id": cart.last_order,
        "version": version,
    })
}

async fn with_prices(handle: &Handle, cart: &CartState, mut shown: Value) -> Result<Value, Problem> {
    let (mut lines, mut amounts) = (Vec::new(), Vec::new());
    for line in cart.lines() {
        let offer = offer(handle, &line.sku).await?.filter(|offer| !offer.retired);
        amounts.push(offer.as_ref().and_then(|offer| offer.price.times(line.quantity).ok()));
        lines.push(priced(line, offer.as_ref()));
    }
    // With a line that is no longer sold, or two currencies, there is no total: it cannot be checked out either.
    let amounts: Option<Vec<Money>> = amounts.into_iter().collect();
    shown["amount"] = json!(amounts.and_then(|amounts| Money::sum(amounts).ok().flatten()));
    shown["lines"] = Value::Array(lines);
    Ok(shown)
}

fn priced(line: &CartLine, offer: Option<&Offer>) -> Value {
    let (name, price) = (offer.map(|offer| &offer.name), offer.map(|offer| offer.price));
    json!({ "sku": line.sku, "quantity": line.quantity, "name": name, "price": price })
}
