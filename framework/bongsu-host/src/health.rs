//! Is it alive, started, ready; and what is it. Probes stay out of the access log.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use axum::{Json, Router, extract::State, response::IntoResponse as _, response::Response, routing::get};
use bongsu_runtime::Status;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;

use crate::{
    config::Config,
    revision::{Named, Revision},
};

/// Whether the process can serve. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    inner: Arc<Inner>,
}

struct Inner {
    check: Box<dyn Fn() -> Status + Send + Sync>,
    revision: OnceLock<Revision>,
    started: AtomicBool,
    stopping: AtomicBool,
}

/// What `/info` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Info {
    /// The context.
    pub name: String,
    /// Of the framework it was built with.
    pub version: &'static str,
    /// Git commit, `unknown` unless the build was told by `BONGSU_GIT_COMMIT`.
    pub commit: &'static str,
    /// Deployment colour.
    pub colour: String,
    /// Instance.
    pub slot: String,
    /// Process id.
    pub pid: u32,
}

/// With the configuration it decides under, and what is to be said of that.
#[derive(Serialize)]
struct Informed<'a> {
    #[serde(flatten)]
    info: &'a Info,
    #[serde(flatten)]
    named: Named,
}

impl Health {
    /// Asks `check` whenever somebody wants to know; for a runtime: `move || handle.status()`.
    pub fn new(check: impl Fn() -> Status + Send + Sync + 'static) -> Self {
        let (started, stopping) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { inner: Arc::new(Inner { check: Box::new(check), revision: OnceLock::new(), started, stopping }) }
    }

    /// Ready from the start: for a process without a runtime.
    pub fn always() -> Self {
        Self::new(|| Status { ready: true, reasons: Vec::new() })
    }

    /// Also says under which configuration the process decides: whoever hands them out reads there what was taken.
    #[must_use]
    pub fn under(self, revision: Revision) -> Self {
        self.inner.revision.get_or_init(|| revision);
        self
    }

    /// Under which configuration the process decides, if that is said.
    pub fn revision(&self) -> Option<&Revision> {
        self.inner.revision.get()
    }

    /// Ready or why not. A process that is stopping is not.
    pub fn status(&self) -> Status {
        if self.inner.stopping.load(Ordering::Relaxed) {
            return Status { ready: false, reasons: vec!["stopping".to_owned()] };
        }
        let status = (self.inner.check)();
        if status.ready {
            self.inner.started.store(true, Ordering::Relaxed);
        }
        status
    }

    /// Not ready from now on.
    pub fn stopping(&self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
    }

    /// The routes of the probes and `/info`.
    pub(crate) fn routes(&self, info: Info, revision: Revision) -> Router {
        Router::new()
            .route("/health/live", get(async || answer(StatusCode::OK, &[], None)))
            .route("/health/ready", get(ready))
            .route("/health/startup", get(startup))
            .with_state(self.clone())
            .route(
                "/info",
                get(async move || fresh(Json(Informed { info: &info, named: revision.named() }).into_response())),
            )
    }
}

impl Info {
    /// What this process is.
    pub fn of(config: &Config) -> Self {
        Self {
            name: config.name.clone(),
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("BONGSU_GIT_COMMIT").unwrap_or("unknown"),
            colour: config.colour.clone(),
            slot: config.slot.clone(),
            pid: std::process::id(),
        }
    }
}

/// Marks the answer to a probe.
#[derive(Clone, Copy)]
pub(crate) struct Probed;

/// Whether a request is a probe's.
pub(crate) fn is_probe(path: &str) -> bool {
    path.starts_with("/health/")
}

async fn ready(State(health): State<Health>) -> Response {
    let status = health.status();
    let code = if status.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(code, &status.reasons, health.revision())
}

async fn startup(State(health): State<Health>) -> Response {
    let status = health.status();
    match health.inner.started.load(Ordering::Relaxed) {
        true => answer(StatusCode::OK, &[], None),
        false => answer(StatusCode::SERVICE_UNAVAILABLE, &status.reasons, None),
    }
}

/// Not a problem+json: probes are read by machines that only look at the status, and people at the reasons.
fn answer(code: StatusCode, reasons: &[String], revision: Option<&Revision>) -> Response {
    let status = if code == StatusCode::OK { "up" } else { "down" };
    let mut said = json!({ "status": status, "reasons": reasons });
    if let Some(revision) = revision {
        said["revision"] = json!(&*revision.name());
    }
    let mut response = fresh((code, Json(said)).into_response());
    response.extensions_mut().insert(Probed);
    response
}

fn fresh(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
