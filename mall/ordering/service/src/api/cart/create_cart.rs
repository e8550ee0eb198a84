//! `POST /cart`: an empty cart.

use axum::{extract::State, http::StatusCode, response::Response};
use bongsu_host::{
    command::{self, Command, NoBody},
    problem::Problem,
};
use bongsu_runtime::{Handle, Outcome};
use ordering_domain::create_cart::CreateCart;
use serde_json::json;

use super::problems;

pub(super) async fn handle(State(handle): State<Handle>, command: Command<NoBody>) -> Result<Response, Problem> {
    let create = CreateCart { customer: command.principal().to_owned() };
    let cart = command.call().ctx.id("crt", 0);
    let reply = |outcome: &Outcome<'_>| match outcome {
        Outcome::Accepted { version, .. } => {
            command::reply(StatusCode::CREATED, &json!({ "cart_id": cart, "version": version }))
        }
        Outcome::Rejected { .. } => problems::reply(outcome),
    };
    Ok(command::respond(handle.execute(&create, command.call(), &reply).await?))
}
