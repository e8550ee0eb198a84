//! The protocol over HTTP. `README.md` describes it for people.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use bongsu_host::{config::Limits, head};
use bongsu_runtime::ports::broker::{BrokerError, Topic};
use serde::Serialize;

use super::{
    index::Indexed,
    shared::Shared,
    writer::{Job, Work},
};
use crate::wire::{Log, NewTopic, PartitionShown, Problem, Report, Taken, TopicShown};

mod body;
mod fetch;
mod hold;
mod publish;
mod who;

use body::Read;
use who::Who;

/// Largest request head, in bytes.
pub(crate) const HEAD: usize = 16 << 10;
/// Media type of every error.
const PROBLEM_JSON: &str = "application/problem+json";

/// All routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/topics", get(topics))
        .route("/topics/{name}", get(topic).put(ensure))
        .route("/topics/{name}/events", get(fetch::people).post(publish::anybody))
        .route("/publish", post(publish::service))
        .route("/producers/{service}", get(publish::standing).put(publish::take_up))
        .route("/fetch", post(fetch::fetch))
        .route("/consumers", get(consumers).post(report))
        .route("/hold", post(hold::begin))
        .route("/hold/{number}", delete(hold::release))
        .fallback(async || Problem::refused(404, "there is no such resource"))
        .method_not_allowed_fallback(async || Problem::refused(405, "this cannot be done to it"))
        .layer(from_fn_with_state(Arc::clone(&shared), who::speaks))
        .with_state(shared)
        .layer(map_response(as_problem))
        .layer(from_fn(head_first))
}

/// Refuses a head that is too large or means two things, before anything else is done with it.
async fn head_first(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let limits = Limits { header_bytes: HEAD, ..Limits::default() };
    match head::check(&head, &limits) {
        Ok(()) => next.run(Request::from_parts(head, body)).await,
        Err(why) => Problem::refused(why.status().as_u16(), why.reason()).into_response(),
    }
}

/// What the parser of HTTP refuses, as every error looks here.
pub(crate) fn refused(status: StatusCode) -> bongsu_host::problem::Problem {
    bongsu_host::problem::Problem::new(status, "broker-refused", "The broker refuses this request")
}

/// What axum itself refuses, a path that is not UTF-8 for example, gets the same shape.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let problem = HeaderValue::from_static(PROBLEM_JSON);
    if !(status.is_client_error() || status.is_server_error())
        || response.headers().get(header::CONTENT_TYPE) == Some(&problem)
    {
        return response;
    }
    Problem::refused(status.as_u16(), status.canonical_reason().unwrap_or("refused")).into_response()
}

async fn live() -> StatusCode {
    StatusCode::OK
}

async fn ready(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Problem> {
    if *shared.stopping.borrow() {
        return Err(BrokerError::Unavailable("the broker is stopping".into()).into());
    }
    Ok(StatusCode::OK)
}

async fn topics(State(shared): State<Arc<Shared>>) -> Json<Vec<TopicShown>> {
    Json(shared.index.all().iter().map(|topic| show(&shared, topic)).collect())
}

async fn topic(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Json<TopicShown>, Problem> {
    let topic = shared.index.topic(&name)?;
    Ok(Json(show(&shared, &topic)))
}

async fn ensure(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    who: Who,
    body: Read,
) -> Result<Json<TopicShown>, Problem> {
    let NewTopic { partitions, retention_ms, retention_bytes } = body.json()?;
    if (retention_ms, retention_bytes) != (None, None) {
        who.may_keep_house_for(&name)?;
    }
    let topic = Topic { name, partitions, retention_ms, retention_bytes };
    topic.check()?;
    shared.ask(Work::Ensure(topic.clone()), body).await?;
    let made = shared.index.topic(&topic.name)?;
    Ok(Json(show(&shared, &made)))
}

#[derive(Serialize)]
struct Consumers {
    positions: Vec<super::consumers::Position>,
}

async fn consumers(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    Json(Consumers { positions: shared.consumers.show(&shared.index) })
}

async fn report(State(shared): State<Arc<Shared>>, who: Who, body: Read) -> Result<StatusCode, Problem> {
    let report: Report<'_> = body.json()?;
    who.may_report_as(&report.consumer)?;
    shared.consumers.take(report);
    Ok(StatusCode::NO_CONTENT)
}

fn show(shared: &Shared, topic: &Indexed) -> TopicShown {
    let partitions = (0..).zip(&topic.bounds).map(|(partition, bound)| {
        let (earliest, end) = bound.get();
        PartitionShown { partition, earliest, end }
    });
    let (retention_ms, retention_bytes) = topic.retention();
    TopicShown {
        log: Log(shared.index.log),
        name: topic.topic.name.clone(),
        retention_ms,
        retention_bytes,
        partitions: partitions.collect(),
    }
}

impl Shared {
    /// Has the writer do something; answered when it is durable.
    pub(crate) async fn ask(&self, work: Work, body: Read) -> Result<Taken, Problem> {
        let _held_off = match work {
            Work::Append(_) => Some(self.hold.publishing().await),
            _ => None,
        };
        let (tell, told) = tokio::sync::oneshot::channel();
        let job = Job { work, tell, _memory: Some(body.into_permit()) };
        let busy = |why: &str| BrokerError::Unavailable(why.into());
        self.jobs.try_send(job).map_err(|_| busy("the writer's queue is full"))?;
        // The sender is dropped unanswered only by a writer that gave up: what became of the job is unknown.
        let answer = told.await.map_err(|_| busy("the broker is stopping"))?;
        Ok(answer?)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("a problem has string keys");
        let mut response = (status, Body::from(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
