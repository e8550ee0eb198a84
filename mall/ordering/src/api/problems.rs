//! Every rejection of an order as a problem with a stable code.

use axum::http::StatusCode;
use bongsu_host::problem::Problem;
use bongsu_runtime::Reply;
use ordering_domain::order::OrderRejection;
use serde_json::json;

use crate::addresses::NotSealed;

pub(super) fn problem(rejection: OrderRejection) -> Problem {
    match rejection {
        OrderRejection::NoLines => Problem::invalid("/lines", "at least one line"),
        OrderRejection::TooManyLines { most } => Problem::invalid("/lines", format!("at most {most} lines")),
        OrderRejection::Quantity { line, most } => {
            Problem::invalid(at(line, "quantity"), format!("between 1 and {most}"))
        }
        OrderRejection::UnknownProduct { line, sku } => unprocessable("unknown-product", "There is no such product")
            .error(at(line, "sku"), format!("{sku} is not sold here")),
        OrderRejection::NotSold { line, sku } => unprocessable("not-sold", "The product is no longer sold")
            .error(at(line, "sku"), format!("{sku} is no longer sold")),
        OrderRejection::PriceChanged { line, sku, price } => conflict("price-changed", "The price has changed")
            .error(at(line, "price_minor"), format!("{sku} costs {price} now"))
            .with("sku", json!(sku))
            .with("price", json!(price)),
        OrderRejection::MixedCurrencies => {
            unprocessable("mixed-currencies", "One order is in one currency").error("/lines", "two currencies")
        }
        OrderRejection::TooExpensive => {
            unprocessable("too-expensive", "The total is beyond all numbers").error("/lines", "too much money")
        }
        OrderRejection::Address { longest } => {
            Problem::invalid("/address", format!("1 to {longest} characters, no control characters"))
        }
        OrderRejection::AlreadyPlaced => conflict("already-placed", "The order was placed before"),
        OrderRejection::NoSuchOrder => Problem::not_found("There is no such order."),
        OrderRejection::NotPending => conflict("not-pending", "The order is not pending any more"),
        OrderRejection::NotConfirmed => conflict("not-confirmed", "The order is not confirmed"),
        OrderRejection::AlreadyEnded => conflict("already-ended", "The order has ended"),
        OrderRejection::CancellationPending => conflict("cancellation-pending", "Delivery has not answered yet"),
        OrderRejection::NoCancellation => conflict("no-cancellation", "Nobody asked for a cancellation"),
        OrderRejection::OnItsWay => conflict("on-its-way", "The order is on its way already"),
    }
}

/// The answer to whose address cannot be sealed.
pub(super) fn not_sealed(why: NotSealed) -> Reply {
    let problem = match why {
        NotSealed::Unfit(rejection) => problem(rejection),
        NotSealed::Forgotten => conflict("person-forgotten", "The customer is forgotten, and orders nothing any more"),
        NotSealed::Unreadable => Problem::unavailable("The key of the customer's addresses cannot be read now."),
    };
    problem.reply()
}

fn at(line: usize, member: &str) -> String {
    format!("/lines/{line}/{member}")
}

fn conflict(code: &str, title: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, title)
}

pub(super) fn unprocessable(code: &str, title: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, title)
}
