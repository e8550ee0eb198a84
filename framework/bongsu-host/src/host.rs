//! One middleware around every route: trace, limits, shedding, deadline, panics, uniform errors, access log.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use bongsu_keys::Keys;
use bongsu_runtime::{DEADLINE, ports::env::Env};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    asking::{Said, Until},
    command::Surroundings,
    config::{Config, Limits},
    env::{self, mono_now},
    head,
    health::{self, Health, Info},
    json, principal,
    problem::{OwnForm, PROBLEM_JSON, Problem},
    revision::{Decided, Revision},
    server::Arrival,
    sse::Places,
    trace::{TRACEPARENT, Trace},
};

/// Under which configuration an answer was decided.
pub const REVISION: HeaderName = HeaderName::from_static("x-bongsu-revision");
/// A connection on which half a body lies cannot go on.
const CLOSE: HeaderValue = HeaderValue::from_static("close");
/// Longest text of a foreign error shown as detail, in bytes.
const MAX_DETAIL: usize = 1_024;
/// A handler nobody waits for any more gets so long to come to its end.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);

/// What every route is served with.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    info: Info,
    limits: Limits,
    env: Arc<dyn Env>,
    health: Health,
    running: Arc<Semaphore>,
    streams: Places,
    keys: Option<Keys>,
    hosts: Vec<String>,
    revision: Revision,
}

/// What the access log says of a request.
struct Asked {
    method: String,
    route: String,
    probe: bool,
}

impl Host {
    /// A host for one process.
    pub fn new(config: &Config, env: Arc<dyn Env>, health: Health) -> Self {
        let limits = config.limits.clone();
        let running = Arc::new(Semaphore::new(limits.concurrency.min(Semaphore::MAX_PERMITS)));
        let streams = Places(Arc::new(Semaphore::new(limits.streams.min(Semaphore::MAX_PERMITS))));
        let info = Info::of(config);
        let hosts = config.host_names();
        let revision = health.revision().cloned().unwrap_or_else(|| Revision::of(config));
        Self { inner: Arc::new(Inner { info, limits, env, health, running, streams, keys: None, hosts, revision }) }
    }

    /// Which recognises its callers: an operator by a bearer, a principal by what the gateway signed. Without keys whoever
    /// reaches this process is believed.
    #[must_use]
    pub fn with_keys(self, keys: Option<Keys>) -> Self {
        let Inner { info, limits, env, health, running, streams, hosts, revision, .. } = &*self.inner;
        let (info, limits, env, health) = (info.clone(), limits.clone(), env.clone(), health.clone());
        let (running, streams, hosts, revision) = (running.clone(), streams.clone(), hosts.clone(), revision.clone());
        Self { inner: Arc::new(Inner { info, limits, env, health, running, streams, keys, hosts, revision }) }
    }

    /// The service's routes with the probes, `/info` and everything conventional around them.
    ///
    /// Every error leaves as problem+json, also those of axum itself (404, 405, a broken path parameter).
    pub fn app(&self, routes: Router) -> Router {
        routes
            .merge(self.inner.health.routes(self.inner.info.clone(), self.inner.revision.clone()))
            .layer(DefaultBodyLimit::max(self.inner.limits.body_bytes))
            .layer(from_fn_with_state(self.clone(), around))
    }
}

async fn around(State(host): State<Host>, mut request: Request, next: Next) -> Response {
    let trace = Trace::of(request.headers());
    let started = mono_now();
    let asked = Asked::of(&request);
    let method = request.method().clone();
    let current = host.inner.revision.name();
    let extensions = request.extensions_mut();
    extensions.insert(trace.clone());
    extensions.insert(host.inner.limits.clone());
    extensions.insert(host.inner.streams.clone());
    extensions.insert(Surroundings(Arc::clone(&host.inner.env)));
    let said = Said::of(request.headers(), host.inner.keys.is_some());
    request.extensions_mut().insert(said);
    if let Some(keys) = &host.inner.keys {
        principal::settle(request.headers_mut(), keys, host.inner.env.wall_ms());
        request.extensions_mut().insert(keys.clone());
    }
    let served = async {
        let response = host.inner.admit(&asked, &trace, request, next).await.unwrap_or_else(Problem::into_response);
        let response = head::without_a_guessed_length(&method, uniform(response).await);
        asked.log(response.status(), started.elapsed());
        response
    };
    let mut response = trace.clone().scope(served).await;
    let decided = response.extensions_mut().remove::<Decided>().map_or(Some(current), |Decided(under)| under);
    if let Some(revision) = decided.and_then(|revision| HeaderValue::try_from(&*revision).ok()) {
        response.headers_mut().insert(REVISION, revision);
    }
    if let Ok(value) = HeaderValue::try_from(trace.traceparent()) {
        response.headers_mut().insert(TRACEPARENT, value);
    }
    response
}

impl Inner {
    /// Refuses what is too large, for somebody else or too much, serves the rest.
    async fn admit(&self, asked: &Asked, trace: &Trace, request: Request, next: Next) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        head::check(&head, &self.limits)?;
        if !bongsu_keys::is_given_out(&head.headers, &head.uri, &self.hosts) {
            return Err(Problem::wrong_host());
        }
        let mut request = Request::from_parts(head, body);
        if announced_bytes(&request) > self.limits.body_bytes as u64 {
            return Err(json::too_large(&self.limits));
        }
        let patience = patience(&request)?;
        if patience.is_some_and(|patience| patience.is_zero()) {
            return Err(too_late(StatusCode::GATEWAY_TIMEOUT));
        }
        let limit = self.limits.request_timeout();
        let waits = patience.map_or(limit, |patience| patience.min(limit));
        request.extensions_mut().insert(Until(self.env.mono() + waits));
        let place = Arc::clone(&self.running).try_acquire_owned().ok();
        if place.is_none() && !asked.is_for_operators() {
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too busy").retry_after(1));
        }
        self.serve(place, patience, trace, request, next).await
    }

    /// Runs the handler as a task of its own: a client that hangs up, or waits no longer, must not stop a
    /// command half-way between the store and what this process believes of it. It keeps its place until it
    /// ends, so that what nobody waits for is bounded too. 504 after the caller's patience, 503 after our own.
    async fn serve(
        &self,
        place: Option<OwnedSemaphorePermit>,
        patience: Option<Duration>,
        trace: &Trace,
        request: Request,
        next: Next,
    ) -> Result<Response, Problem> {
        let limit = self.limits.request_timeout();
        let arrival = request.extensions().get::<Arrival>().cloned();
        let handled = async move {
            let _place = place;
            timeout(limit + ABANDONED_AFTER, next.run(request)).await
        };
        let handled = env::spawn(trace.clone().scope(handled));
        let hurry = patience.filter(|patience| *patience < limit);
        match timeout(hurry.unwrap_or(limit), handled).await {
            Ok(Ok(Ok(response))) => Ok(response),
            // The panic itself is logged by the process's panic hook.
            Ok(Err(_panicked)) => Err(Problem::internal()),
            // Nobody will act on it: whoever reads the body is told that it broke off.
            Err(_) if arrival.is_some_and(|arrival| arrival.cut()) => {
                Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT).header(header::CONNECTION, CLOSE))
            }
            Err(_) if hurry.is_some() => Err(too_late(StatusCode::GATEWAY_TIMEOUT)),
            Ok(Ok(Err(_))) | Err(_) => Err(too_late(StatusCode::SERVICE_UNAVAILABLE).retry_after(1)),
        }
    }
}

impl Asked {
    fn of(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
        Self {
            method: request.method().to_string(),
            route: route.to_owned(),
            probe: health::is_probe(request.uri().path()),
        }
    }

    /// Never shed: an overloaded process must still be seen.
    fn is_for_operators(&self) -> bool {
        self.probe || self.route == "/info" || self.route.starts_with("/bongsu/")
    }

    fn log(&self, status: StatusCode, took: Duration) {
        if self.probe {
            return;
        }
        let method = self.method.as_str();
        let route = self.route.as_str();
        let status = status.as_u16();
        let ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
        if status >= 500 {
            tracing::warn!(target: "access", method, route, status, ms, "request");
        } else if self.is_for_operators() {
            // A tool that follows the events asks several times a second.
            tracing::debug!(target: "access", method, route, status, ms, "request");
        } else {
            tracing::info!(target: "access", method, route, status, ms, "request");
        }
    }
}

/// Turns every error that is not yet a problem into one. What a 5xx said is logged instead of sent.
async fn uniform(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || kind.starts_with(PROBLEM_JSON) || is_as_meant(&response) {
        return response;
    }
    let is_text = kind.starts_with("text/plain");
    let (parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, MAX_DETAIL).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut problem = Problem::of_status(status);
    if status.is_server_error() {
        tracing::error!(code = "internal", reason = %text, "a handler failed");
    } else if is_text && !text.is_empty() {
        problem = problem.detail(text);
    }
    let mut uniform = problem.into_response();
    let not_the_bodys = |name: &HeaderName| name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH;
    for (name, value) in parts.headers.iter().filter(|(name, _)| not_the_bodys(name)) {
        uniform.headers_mut().append(name, value.clone());
    }
    uniform
}

/// A probe that says "down" is an answer, not an error; and some errors have a form of their own.
fn is_as_meant(response: &Response) -> bool {
    response.extensions().get::<health::Probed>().is_some() || response.extensions().get::<OwnForm>().is_some()
}

fn too_late(status: StatusCode) -> Problem {
    Problem::new(status, "timeout", "No answer in time")
}

/// How long the caller waits, if it says so.
fn patience(request: &Request) -> Result<Option<Duration>, Problem> {
    let Some(asked) = request.headers().get(DEADLINE) else { return Ok(None) };
    match asked.to_str().ok().and_then(|asked| asked.parse::<u32>().ok()) {
        Some(millis) => Ok(Some(Duration::from_millis(millis.into()))),
        None => Err(Problem::bad_request(format!("{DEADLINE} is a number of milliseconds."))),
    }
}

/// What the client says the body's length is.
fn announced_bytes(request: &Request) -> u64 {
    let length = request.headers().get(header::CONTENT_LENGTH);
    length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0)
}
