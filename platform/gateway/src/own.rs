//! What the gateway itself is asked, by operators only; it never reaches a service.
//!
//! `GET /bongsu/metrics` is for their monitoring. `GET /bongsu/breakers` shows them, `PUT /bongsu/breakers/SERVICE` with `{"state": "open", "minutes": 5}` holds those of
//! a service open or closed, and with `{"state": "auto"}` lets them be. `DELETE /bongsu/sessions/PERSON` ends all of somebody's who is
//! forgotten, and answers when no file has anything of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse as _, Response};
use bongsu_breaker::Force;
use bongsu_host::config::within;
use bongsu_host::metrics::exposition;
use bongsu_host::problem::Problem;
use bongsu_runtime::Metric;
use http::{HeaderValue, Method, StatusCode, header, request};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::breakers::Breakers;
use crate::forward::Forwarder;
use crate::sessions::{Browsers, Keeper, unavailable};
use crate::table::Table;

/// All breakers; one service's are below.
const BREAKERS: &str = "/bongsu/breakers";
/// Somebody's sessions.
const SESSIONS: &str = "/bongsu/sessions/";
/// As every process of this framework has them.
const METRICS: &str = "/bongsu/metrics";
/// A wish is shorter.
const LONGEST_BYTES: usize = 1_024;
/// Longest name of a person, in bytes: issuers give at most 255 (OpenID Connect Core, section 2).
const LONGEST_PERSON: usize = 255;
const SECONDS_OF_A_MINUTE: u64 = 60;

/// Whether a path is for the gateway.
pub(crate) fn is_own(path: &str) -> bool {
    let is_of_breakers = path.strip_prefix(BREAKERS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    path == METRICS || is_of_breakers || path.starts_with(SESSIONS)
}

pub(crate) struct Own {
    pub(crate) breakers: Arc<Breakers>,
    pub(crate) tables: watch::Receiver<Arc<Table>>,
    /// Who knows of sessions, where browsers log in.
    pub(crate) keeper: Option<Arc<Keeper>>,
    /// What there is to be measured.
    pub(crate) measure: Measure,
}

/// Reads what a monitoring system wants to know.
pub(crate) type Measure = Box<dyn Fn() -> Vec<Metric> + Send + Sync>;

/// What an operator wants of a service's breakers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    state: Wanted,
    #[serde(default = "Wish::minutes", deserialize_with = "within::<_, _, 1, 1_440>")]
    minutes: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Open,
    Closed,
    Auto,
}

impl Wish {
    /// Long enough to look at something, and over before it is forgotten.
    fn minutes() -> u64 {
        5
    }
}

impl Own {
    pub(crate) fn new(
        forwarder: &Arc<Forwarder>,
        tables: watch::Receiver<Arc<Table>>,
        browsers: Option<&Browsers>,
        slot: String,
    ) -> Self {
        let measured = Arc::clone(forwarder);
        let measure = Box::new(move || measured.measure(&slot));
        let keeper = browsers.map(|browsers| Arc::clone(&browsers.keeper));
        Self { breakers: forwarder.breakers(), tables, keeper, measure }
    }

    /// The answer to an operator.
    pub(crate) async fn answer(&self, head: &request::Parts, body: Body, deadline: Instant) -> Response {
        if head.uri.path() == METRICS {
            return match is_read(&head.method) {
                true => exposition((self.measure)()),
                false => only("GET, HEAD").into_response(),
            };
        }
        if let Some(person) = head.uri.path().strip_prefix(SESSIONS) {
            return self.end(&head.method, person).await.unwrap_or_else(Problem::into_response);
        }
        let below = head.uri.path().strip_prefix(BREAKERS).unwrap_or_default();
        let answered = match below.strip_prefix('/') {
            None => self.show(&head.method),
            Some(service) => self.steer(&head.method, service, body, deadline).await,
        };
        answered.unwrap_or_else(Problem::into_response)
    }

    async fn end(&self, method: &Method, person: &str) -> Result<Response, Problem> {
        if *method != Method::DELETE {
            return Err(only("DELETE"));
        }
        let is_a_name = !person.is_empty() && person.len() <= LONGEST_PERSON && !person.contains(['/', '%']);
        if !is_a_name {
            return Err(Problem::bad_request("This is nobody's name."));
        }
        let ended = match &self.keeper {
            Some(keeper) => keeper.end_all_of(person).await.map_err(|why| {
                tracing::warn!(reason = %why, "the sessions of somebody who is forgotten are still kept");
                unavailable()
            })?,
            None => 0,
        };
        Ok(Json(json!({ "ended": ended })).into_response())
    }

    fn show(&self, method: &Method) -> Result<Response, Problem> {
        if !is_read(method) {
            return Err(only("GET, HEAD"));
        }
        let state = if self.breakers.are_on() { "on" } else { "off" };
        Ok(Json(json!({ "state": state, "breakers": self.breakers.show() })).into_response())
    }

    async fn steer(&self, method: &Method, service: &str, body: Body, deadline: Instant) -> Result<Response, Problem> {
        if *method != Method::PUT {
            return Err(only("PUT"));
        }
        let read = timeout_at(deadline, to_bytes(body, LONGEST_BYTES)).await;
        let read = read.map_err(|_| Problem::of_status(StatusCode::REQUEST_TIMEOUT))?;
        let read = read.map_err(|_| Problem::bad_request("The body broke off, or is too long for a wish."))?;
        let wish: Wish = serde_json::from_slice(&read)
            .map_err(|why| Problem::bad_request(format!("This is no wish about breakers: {why}.")))?;
        if !self.breakers.are_on() {
            return Err(Problem::bad_request("The breakers of this gateway are off."));
        }
        let table = self.tables.borrow().clone();
        let is_known = table.canaries.iter().any(|canary| canary.service == service);
        if !is_known && !table.services().contains(service) {
            return Err(Problem::not_found("No service with a route has this name."));
        }
        let force = match wish.state {
            Wanted::Open => Some(Force::Open),
            Wanted::Closed => Some(Force::Closed),
            Wanted::Auto => None,
        };
        let minutes = wish.minutes;
        self.breakers.force(service, force, Duration::from_secs(minutes * SECONDS_OF_A_MINUTE));
        match force {
            Some(force) => tracing::warn!(service, ?force, minutes, "an operator holds the breakers of a service"),
            None => tracing::info!(service, "an operator lets the breakers of a service be"),
        }
        self.show(&Method::GET)
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn only(methods: &'static str) -> Problem {
    Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).header(header::ALLOW, HeaderValue::from_static(methods))
}
