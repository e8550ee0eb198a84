//! The HTTP API: asks everybody who knows a part, at once.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
};
use bongsu_host::{
    allow::Allow,
    asking::Asking,
    openapi::{Api, routes},
    problem::Problem,
};
use bongsu_runtime::{Behalf, Handle, Peer, Question};
use serde::Serialize;
use utoipa::ToSchema;

use crate::order::{Part, Parts, Verdict};

/// Longest id that is asked for, in bytes: those of orders have forty.
const LONGEST: usize = 100;

/// Whom it asks.
pub struct Sources {
    handle: Handle,
    ordering: Peer,
    payment: Peer,
    delivery: Peer,
    mypage: Peer,
}

/// An order, as far as those who know a part of it answered.
#[derive(Serialize, ToSchema)]
struct Order {
    order_id: String,
    /// `GET /orders/{id}`.
    ordering: Part,
    /// Of `GET /payments?order={id}`, the one.
    payment: Part,
    /// Of `GET /deliveries?order={id}`, the one.
    delivery: Part,
    /// `GET /mypage/orders/{id}`.
    mypage: Part,
}

/// What the pages ask at once.
pub fn api() -> Api<Arc<Sources>> {
    Api::new("bff-web")
        .about("What the mall's pages ask at once, put together from those who know a part of it.")
        // Whose it is is looked at by those who know: they are asked on behalf of whoever asks here.
        .routes(Allow::Authenticated, routes!(order))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    let [ordering, payment, delivery, mypage] =
        ["ordering", "payment", "delivery", "mypage"].map(|name| handle.peer(name));
    api().serve(Arc::new(Sources { handle, ordering, payment, delivery, mypage }))
}

/// An order with its payment, its parcel and all that was heard of it.
///
/// All are asked at once, each within a second. A part that does not come in time says so and the rest stands. 404 for what is
/// another's.
#[utoipa::path(
    get, path = "/bff/web/orders/{id}", operation_id = "composeOrder",
    params(("id" = String, Path, description = "Of which order.", min_length = 1)),
    responses(
        (status = 200, description = "The order as far as it is known now.", body = Order),
        (status = 503, description = "Nobody who would know answered."),
    ),
)]
async fn order(
    State(sources): State<Arc<Sources>>,
    Path(id): Path<String>,
    Asking(behalf): Asking,
) -> Result<Json<Order>, Problem> {
    if !is_an_id(&id) {
        return Err(none());
    }
    let (ordering, payment, delivery, mypage) = futures::join!(
        sources.part(&sources.ordering, &behalf, format!("/orders/{id}"), false),
        sources.part(&sources.payment, &behalf, format!("/payments?order={id}"), true),
        sources.part(&sources.delivery, &behalf, format!("/deliveries?order={id}"), true),
        sources.part(&sources.mypage, &behalf, format!("/mypage/orders/{id}"), false),
    );
    let parts = Parts { ordering, payment, delivery, mypage };
    match parts.verdict() {
        Verdict::Its => Ok(Json(Order::of(id, parts))),
        Verdict::None => Err(none()),
        Verdict::NotKnown => Err(Problem::unavailable("Nobody who knows this order answered.")),
    }
}

impl Sources {
    async fn part(&self, peer: &Peer, behalf: &Behalf, path: String, is_list: bool) -> Part {
        let env = self.handle.env();
        let began = env.mono();
        let answered = peer.ask(behalf, Question::get(path)).await;
        Part::of(answered, millis(env.mono().saturating_sub(began)), is_list)
    }
}

impl Order {
    fn of(order_id: String, Parts { ordering, payment, delivery, mypage }: Parts) -> Self {
        Self { order_id, ordering, payment, delivery, mypage }
    }
}

fn none() -> Problem {
    Problem::not_found("There is no such order.")
}

/// Whether it stands in an address as it is: what does not is no order's.
fn is_an_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(is_plain)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
