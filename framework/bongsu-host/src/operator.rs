//! What an operator's tools ask a service: its events, what is parked, how it is.
//!
//! For operators only: the one who asks has an operator's key to this service. A process that was given no keys answers
//! callers on its own machine. What came through the gateway or from a web page is answered 404, as if there were nothing.

mod read_models;
mod snapshot;
mod streams;

use std::net::SocketAddr;

use axum::{
    Json, Router,
    extract::{ConnectInfo, Query, Request, State},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use bongsu_keys::{Caller, Keys, OPERATOR};
use bongsu_runtime::{
    Handle,
    ports::store::{Position, StoredEvent},
};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{metrics, principal::PRINCIPAL, problem::Problem};

mod adopt;
mod forgetting;
mod parked;
mod republish;

/// Most events answered at once.
const MAX_LIMIT: u32 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    #[serde(default)]
    after: u64,
    #[serde(default = "Which::limit")]
    limit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    after: u64,
    #[serde(default = "Which::limit")]
    limit: u32,
    /// Only events of this correlation are shown; `limit` counts those that are read.
    correlation: Option<String>,
}

/// An event as an operator sees it.
#[derive(Serialize)]
struct Shown {
    position: Option<u64>,
    stream: String,
    version: u64,
    name: String,
    schema: u32,
    data: Value,
    meta: Value,
    /// Always empty: events once had tags, and who reads this may expect the member.
    tags: [(); 0],
    commit: String,
}

/// `GET /bongsu/status`, `GET /bongsu/metrics` (OpenMetrics text), `GET /bongsu/events?after=&limit=`
/// (`{events, next}`; with `&correlation=` only those of that correlation among the `limit` that are read), `GET /bongsu/parked`
/// (the first 1 000 by id; `?after=` an id, the next ones),
/// `POST /bongsu/parked/{id}/retry` and `…/evict` with `{actor?, reason?}` (204, or 404 when nothing of that id is
/// parked; an eviction without a reason is 422),
/// `POST /bongsu/republish` with `{subject?, actor?, reason?}` (202 `{refill}`, 404 for an unknown stream) and
/// `GET /bongsu/republish`: what waits or is under way, `POST /bongsu/adopt` with `{actor?, reason}` (409 when store and
/// broker have one history) and `GET /bongsu/adopt`: what it would do, `GET /bongsu/applied?source=&after=`: what was heard
/// beyond a position, `GET /bongsu/forgetting/{whom}` (`{state}`: `nothing-kept`, `not-heard`, `in-files` or `done`),
/// `GET /bongsu/streams/{stream}`, `POST /bongsu/snapshot`, and what
/// `read_models` adds.
pub fn routes(handle: Handle) -> Router {
    Router::new()
        .route("/bongsu/status", get(status))
        .route("/bongsu/metrics", get(metrics))
        .route("/bongsu/events", get(events))
        .route("/bongsu/streams/{stream}", get(streams::one))
        .route("/bongsu/snapshot", post(snapshot::take))
        .merge(read_models::routes())
        .merge(parked::routes())
        .merge(republish::routes())
        .merge(adopt::routes())
        .merge(forgetting::routes())
        .with_state(handle)
        .layer(from_fn(only_operators))
}

async fn status(State(handle): State<Handle>) -> Json<Value> {
    let status = handle.status();
    let pid = std::process::id();
    Json(json!({ "name": handle.name(), "pid": pid, "ready": status.ready, "reasons": status.reasons }))
}

async fn metrics(State(handle): State<Handle>) -> Response {
    metrics::exposition(handle.operator().metrics().await)
}

async fn events(State(handle): State<Handle>, Query(wanted): Query<Wanted>) -> Result<Json<Value>, Problem> {
    let found = handle.operator().events(Position(wanted.after), wanted.limit.clamp(1, MAX_LIMIT)).await?;
    let next = found.iter().filter_map(|event| event.position).map(|at| at.0).max().unwrap_or(wanted.after);
    let mut events: Vec<Shown> = found.into_iter().map(Shown::of).collect();
    if let Some(correlation) = wanted.correlation {
        events.retain(|event| event.meta["correlation"] == correlation.as_str());
    }
    Ok(Json(json!({ "events": events, "next": next })))
}

/// A page in a browser can send requests to loopback too; they carry an Origin.
async fn only_operators(request: Request, next: Next) -> Response {
    let foreign = [header::ORIGIN.as_str(), "x-forwarded-for", PRINCIPAL];
    if foreign.iter().any(|name| request.headers().contains_key(*name)) {
        return Problem::of_status(StatusCode::NOT_FOUND).into_response();
    }
    match request.extensions().get::<Keys>().map(|keys| keys.caller(request.headers())) {
        Some(Ok(Caller(name))) if name == OPERATOR => next.run(request).await,
        Some(Ok(Caller(name))) => Problem::not_an_operator(&name).into_response(),
        Some(Err(why)) => Problem::not_known(why).into_response(),
        None if is_from_here(&request) => next.run(request).await,
        None => Problem::of_status(StatusCode::NOT_FOUND).into_response(),
    }
}

fn is_from_here(request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| peer.ip().is_loopback())
}

impl Which {
    fn limit() -> u32 {
        100
    }
}

impl Shown {
    fn of(event: StoredEvent) -> Self {
        Self {
            position: event.position.map(|at| at.0),
            data: value(&event.data),
            meta: value(&event.meta),
            stream: event.stream,
            version: event.version,
            name: event.name,
            schema: event.schema,
            tags: [],
            commit: format!("{:?}", event.commit),
        }
    }
}

/// Bodies are opaque bytes; ours are JSON.
fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
