//! The gateway's own health, at the paths every process has.

use std::sync::Arc;

use axum::Json;
use axum::response::IntoResponse;
use bongsu_host::config::Limits;
use bongsu_host::head;
use bongsu_host::health::Health;
use bongsu_host::problem::Problem;
use bongsu_host::revision::Revision;
use http::{HeaderValue, Method, StatusCode, header, request};
use serde::Serialize;

use super::given_out;
use crate::filter::{Exchange, Filter, Flow};

/// Answers `/health/live`, `/health/ready` and `/health/startup`; nothing of it is ever sent upstream. It asks of a
/// request what every other is asked.
pub struct Probes {
    /// What is told.
    pub health: Health,
    /// What a head may be.
    pub limits: Limits,
    /// Names that were given out.
    pub hosts: Vec<String>,
}

#[derive(Serialize)]
struct ProbeReply {
    status: &'static str,
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Arc<str>>,
}

impl Filter for Probes {
    fn name(&self) -> &'static str {
        "probes"
    }

    fn on_request(&self, request: &mut request::Parts, _: &mut Exchange) -> Flow {
        let reasons = match request.uri.path() {
            "/health/live" => Vec::new(),
            "/health/ready" | "/health/startup" => self.health.status().reasons,
            _ => return Flow::Continue,
        };
        let seemly = head::check(request, &self.limits).and_then(|()| given_out::check(request, &self.hosts));
        if let Err(problem) = seemly {
            return problem.into();
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let allow = (header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).header(allow.0, allow.1).into();
        }
        let (code, status) =
            if reasons.is_empty() { (StatusCode::OK, "up") } else { (StatusCode::SERVICE_UNAVAILABLE, "down") };
        let revision = self.health.revision().map(Revision::name);
        Flow::Answer((code, Json(ProbeReply { status, reasons, revision })).into_response())
    }
}
