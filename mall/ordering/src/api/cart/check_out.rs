//! `POST /cart/checkout`: the cart becomes an order, in one Commit.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use bongsu_host::{
    allow::Owner,
    command::{self, Command},
    idempotency::IdempotencyKey,
    problem::Problem,
};
use bongsu_runtime::{Handle, Outcome};
use ordering_domain::{
    cart::Carts,
    check_out::{CheckOut, CheckOutRejection, CheckOuts, SeenCart},
    ids::{CartId, CustomerId, Sku},
    place_order::WantedLine,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::problems;
use crate::{
    addresses::sealed,
    api::{
        offers::offers,
        place_order::{self, Placed},
        problems::not_sealed,
        shown::Pay,
    },
};

/// How the cart becomes an order.
#[derive(Deserialize, ToSchema)]
pub(in crate::api) struct CheckOutCart {
    /// Where it goes: no control characters.
    #[schema(min_length = 1, max_length = 300, example = "서울시 12번가 7")]
    address: String,
    pay: Pay,
    /// Prices the customer saw on the page, by sku, for one piece.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, i64>)]
    prices: BTreeMap<Sku, i64>,
    /// The cart that the customer saw: `cart_id` of a read. Another one does not become an order, and of one that has
    /// become one already it is said which.
    #[serde(default)]
    #[schema(value_type = Option<String>, nullable = false)]
    cart: Option<CartId>,
    /// Its `version` then; only together with `cart`.
    #[serde(default)]
    #[schema(nullable = false)]
    version: Option<u64>,
}

/// Makes an order of the cart, in one Commit.
///
/// A cart that changed while its prices were looked up, or since the customer saw it as `cart` and `version`, is refused as
/// `cart-changed`. With a key made of both, a second click, a reload and another tab get the same answer; with another key
/// they are told the order as `already-checked-out`.
#[utoipa::path(
    post, path = "/cart/checkout", operation_id = "checkOut", params(IdempotencyKey), request_body = CheckOutCart,
    responses((
        status = 202, description = "Taken.", body = Placed, headers(("Location", description = "The order.")),
        links(
            ("order" = (operation_id = "readOrder", parameters(("id" = "$response.body#/order_id")))),
            ("cancelled" = (operation_id = "cancelOrder", parameters(("id" = "$response.body#/order_id")))),
            ("followed" = (operation_id = "followOrder", parameters(("id" = "$response.body#/order_id")))),
        ),
    )),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    owner: Owner,
    command: Command<CheckOutCart>,
) -> Result<Response, Problem> {
    let customer = CustomerId::from(owner.as_str());
    let CheckOutCart { address, pay, cart: seen, version: seen_at, .. } = &command.body;
    if seen.is_none() && seen_at.is_some() {
        return Err(Problem::invalid("/version", "the version of no cart: 'cart' is missing"));
    }
    let (cart, version) = handle.load::<Carts>(&customer).await?;
    let is_current = seen_at.is_none_or(|seen| seen == version);
    let mut lines = Vec::new();
    let offers = offers(&handle, cart.lines().iter().map(|line| &line.sku)).await?;
    for (line, offer) in cart.lines().iter().zip(offers) {
        let (sku, quantity) = (line.sku.clone(), line.quantity);
        lines.push(WantedLine { seen_minor: command.body.prices.get(&sku).copied(), sku, quantity, offer });
    }
    let seen = seen.clone().map(|cart| SeenCart { cart, is_current });
    let check_out = |address| {
        let (customer, lines, seen) = (customer.clone(), lines.clone(), seen.clone());
        CheckOut { customer, lines, address, method: pay.method(), seen }
    };
    let reply = |outcome: Outcome<'_, CheckOutRejection>| match outcome {
        Outcome::Accepted { id, token, .. } => place_order::placed(id, token),
        Outcome::Rejected(rejection) => problems::of_check_out(rejection).reply(),
    };
    let to = (&customer, address.as_str());
    let answer = sealed::<CheckOuts, _>(&handle, command.call(), to, check_out, not_sealed, reply).await?;
    Ok(command::respond(answer))
}
