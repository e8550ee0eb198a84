//! `POST /cart`: an empty cart.

use axum::{extract::State, http::StatusCode, response::Response};
use bongsu_host::{
    allow::Owner,
    command::{self, Command, NoBody},
    idempotency::IdempotencyKey,
    problem::Problem,
};
use bongsu_runtime::{Handle, Outcome};
use ordering_domain::{cart::Carts, create_cart::CreateCart, ids::CartId};
use serde::Serialize;
use utoipa::ToSchema;

use super::problems;

/// A cart that was taken.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct CreatedCart {
    #[schema(value_type = String)]
    cart_id: CartId,
    version: u64,
}

/// Takes an empty cart.
#[utoipa::path(
    post, path = "/cart", operation_id = "createCart", params(IdempotencyKey), request_body = NoBody,
    responses((status = 201, description = "Taken.", body = CreatedCart)),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    owner: Owner,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    let create = CreateCart { customer: owner.as_str().into() };
    let cart = CartId::from(command.call().ctx.id("crt", 0));
    let answer = handle.execute::<Carts, _>(create, command.call(), |outcome| match outcome {
        Outcome::Accepted { version, .. } => {
            command::reply(StatusCode::CREATED, &CreatedCart { cart_id: cart.clone(), version })
        }
        Outcome::Rejected(rejection) => problems::problem(rejection).reply(),
    });
    Ok(command::respond(answer.await?))
}
