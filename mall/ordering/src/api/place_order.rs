//! `POST /orders`: looks up the offers in this context's own price list and asks the domain.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use bongsu_host::{
    allow::Owner,
    command::{self, Command},
    idempotency::IdempotencyKey,
    problem::Problem,
};
use bongsu_runtime::{Handle, Outcome, Reply, Token};
use ordering_domain::{
    ids::{CustomerId, OrderId, Sku},
    order::{OrderRejection, Orders},
    place_order::{MOST_LINES, PlaceOrder, WantedLine},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{offers::offers, problems, shown::Pay};
use crate::{addresses::sealed, projections::orders_of_customer::State as OrderState};

/// What a customer wants.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewOrder {
    #[schema(min_items = 1, max_items = 50)]
    lines: Vec<NewLine>,
    /// Where it goes: no control characters.
    #[schema(min_length = 1, max_length = 300, example = "서울시 12번가 7")]
    address: String,
    pay: Pay,
}

/// How many of which product.
#[derive(Deserialize, ToSchema)]
struct NewLine {
    #[schema(value_type = String, min_length = 1, max_length = 32, example = "TV")]
    sku: Sku,
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    quantity: u32,
    /// What the customer saw on the page, for one piece: refused when that is no longer so.
    #[serde(default)]
    price_minor: Option<i64>,
}

/// An order that was taken.
#[derive(Serialize, ToSchema)]
pub(super) struct Placed {
    #[schema(value_type = String)]
    order_id: OrderId,
    state: OrderState,
    /// For `after` of a later read.
    position: String,
}

/// Places an order.
///
/// It is stored and PENDING; product and payment answer later. `position` makes a later read wait until it shows this.
#[utoipa::path(
    post, path = "/orders", operation_id = "placeOrder", params(IdempotencyKey), request_body = NewOrder,
    responses((
        status = 202, description = "Taken.", body = Placed, headers(("Location", description = "The order.")),
        links(
            ("order" = (operation_id = "readOrder", parameters(("id" = "$response.body#/order_id")))),
            ("cancelled" = (operation_id = "cancelOrder", parameters(("id" = "$response.body#/order_id")))),
            ("followed" = (operation_id = "followOrder", parameters(("id" = "$response.body#/order_id")))),
        ),
    )),
)]
pub(super) async fn handle(
    State(handle): State<Handle>,
    owner: Owner,
    command: Command<NewOrder>,
) -> Result<Response, Problem> {
    let body = &command.body;
    let mut lines = Vec::new();
    let mut offers = match body.lines.len() <= MOST_LINES {
        true => offers(&handle, body.lines.iter().map(|line| &line.sku)).await?.into_iter(),
        false => Vec::new().into_iter(),
    };
    for line in &body.lines {
        let offer = offers.next().flatten();
        let (sku, quantity, seen_minor) = (line.sku.clone(), line.quantity, line.price_minor);
        lines.push(WantedLine { sku, quantity, seen_minor, offer });
    }
    let customer = CustomerId::from(owner.as_str());
    let place = |address| {
        PlaceOrder { customer: customer.clone(), lines: lines.clone(), address, method: body.pay.method() }.into()
    };
    let to = (&customer, body.address.as_str());
    let answer = sealed::<Orders, _>(&handle, command.call(), to, place, problems::not_sealed, reply).await?;
    Ok(command::respond(answer))
}

fn reply(outcome: Outcome<'_, OrderRejection>) -> Reply {
    match outcome {
        Outcome::Accepted { id, token, .. } => placed(id, token),
        Outcome::Rejected(rejection) => problems::problem(rejection).reply(),
    }
}

/// The answer to whoever placed an order, however it came about.
pub(super) fn placed(order: &str, token: &Token) -> Reply {
    let body = Placed { order_id: order.into(), state: OrderState::Pending, position: token.to_string() };
    let mut reply = command::reply(StatusCode::ACCEPTED, &body);
    reply.headers.push((header::LOCATION.to_string(), format!("/orders/{order}")));
    reply
}
