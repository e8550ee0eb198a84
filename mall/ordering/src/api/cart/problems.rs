//! Every rejection of a cart as a problem with a stable code.

use axum::http::{HeaderValue, StatusCode, header};
use bongsu_host::{command, etag::ETag, problem::Problem};
use bongsu_runtime::{Outcome, Reply};
use ordering_domain::{cart::CartRejection, check_out::CheckOutRejection, order::OrderRejection};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::api::problems;

/// A cart that was changed.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CartChanged {
    pub(super) version: u64,
}

/// The answer to a change of the cart.
pub(super) fn changed(outcome: Outcome<'_, CartRejection>) -> Reply {
    match outcome {
        Outcome::Accepted { version, .. } => command::reply(StatusCode::OK, &CartChanged { version }),
        Outcome::Rejected(rejection) => problem(rejection).reply(),
    }
}

/// As [`changed`], with the tag of the line that was changed.
pub(super) fn changed_to(outcome: Outcome<'_, CartRejection>, tag: Option<ETag>) -> Reply {
    let accepted = matches!(outcome, Outcome::Accepted { .. });
    let mut reply = changed(outcome);
    reply.headers.extend(tag.filter(|_| accepted).map(|tag| ("etag".to_owned(), tag.to_string())));
    reply
}

/// What is wrong with a check-out.
pub(super) fn of_check_out(rejection: CheckOutRejection) -> Problem {
    match rejection {
        CheckOutRejection::Cart(rejection) => problem(rejection),
        CheckOutRejection::Order(rejection) => of_order(rejection),
    }
}

pub(super) fn problem(rejection: CartRejection) -> Problem {
    match rejection {
        CartRejection::AlreadyOpen => conflict("cart-already-open", "There is an open cart already"),
        CartRejection::NoCart => conflict("no-cart", "There is no open cart"),
        CartRejection::Quantity { most } => {
            Problem::invalid("/quantity", format!("between 1 and {most} pieces of one product in all"))
        }
        CartRejection::Full { most } => {
            conflict("cart-full", "The cart holds no more").detail(format!("At most {most} different products."))
        }
        CartRejection::UnknownProduct { sku } => problems::unprocessable("unknown-product", "There is no such product")
            .error("/sku", format!("{sku} is not sold here")),
        CartRejection::NotSold { sku } => problems::unprocessable("not-sold", "The product is no longer sold")
            .error("/sku", format!("{sku} is no longer sold")),
        CartRejection::NotInCart { sku } => {
            Problem::new(StatusCode::NOT_FOUND, "not-in-cart", "The cart has no such line").with("sku", json!(sku))
        }
        CartRejection::Moved { sku } => Problem::of_status(StatusCode::PRECONDITION_FAILED).with("sku", json!(sku)),
        CartRejection::Empty => conflict("cart-empty", "There is nothing in the cart"),
        CartRejection::Changed => conflict("cart-changed", "The cart has changed meanwhile"),
        CartRejection::CheckedOut { order } => {
            let problem = conflict("already-checked-out", "The cart has become an order already");
            match HeaderValue::try_from(format!("/orders/{order}")) {
                Ok(at) => problem.header(header::LOCATION, at).with("order_id", json!(order)),
                Err(_) => problem.with("order_id", json!(order)),
            }
        }
        // Neither is asked for over HTTP: who merges is logged in, and whose cart was a visitor's is said by the gateway.
        CartRejection::NotAGuests => conflict("not-a-guests", "This is no visitor's cart"),
        CartRejection::StillUsed { .. } => conflict("still-used", "The cart is still used"),
    }
}

/// Lines are not in the body of a check-out: what is wrong with one is told by its product.
fn of_order(rejection: OrderRejection) -> Problem {
    match rejection {
        OrderRejection::UnknownProduct { sku, .. } => {
            problems::unprocessable("unknown-product", "There is no such product").with("sku", json!(sku))
        }
        OrderRejection::NotSold { sku, .. } => {
            problems::unprocessable("not-sold", "The product is no longer sold").with("sku", json!(sku))
        }
        OrderRejection::PriceChanged { sku, price, .. } => conflict("price-changed", "The price has changed")
            .error(format!("/prices/{sku}"), format!("{sku} costs {price} now"))
            .with("sku", json!(sku))
            .with("price", json!(price)),
        other => problems::problem(other),
    }
}

fn conflict(code: &str, title: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, title)
}
