//! `POST /cart/merge`: what somebody put into a cart before he logged in goes into his own.

use axum::{extract::State, http::StatusCode, response::Response};
use bongsu_host::{
    allow::Owner,
    command::{self, Command, NoBody},
    idempotency::IdempotencyKey,
    problem::Problem,
};
use bongsu_runtime::{Answer, Handle};
use ordering_domain::{
    cart::Carts,
    ids::CustomerId,
    merge_carts::{MergeCarts, Merges},
};

use super::problems::{self, CartChanged};

/// Puts what is in the cart of the visitor that this browser was into the caller's, whose visitor's cart is gone then.
///
/// The page asks for it after a login. Asked again, or from two tabs at once, it happens once; without a visitor, or with an
/// empty cart of his, nothing happens. What is over the limits of a cart is left out.
#[utoipa::path(
    post, path = "/cart/merge", operation_id = "mergeCart", params(IdempotencyKey), request_body = NoBody,
    responses((status = 200, description = "Merged, or nothing to merge.", body = CartChanged)),
)]
pub(in crate::api) async fn handle(
    State(handle): State<Handle>,
    owner: Owner,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    let customer = CustomerId::from(owner.as_str());
    let Some(guest) = owner.visitor().map(CustomerId::from) else {
        let (_, version) = handle.load::<Carts>(&customer).await?;
        let reply = command::reply(StatusCode::OK, &CartChanged { version });
        return Ok(command::respond(Answer { reply, replayed: false, revision: None }));
    };
    let merge = MergeCarts { customer, guest };
    Ok(command::respond(handle.execute::<Merges, _>(merge, command.call(), problems::changed).await?))
}
