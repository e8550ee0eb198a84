//! Pages of other addresses: their question beforehand is answered here, and what they may read is said on every answer.

use axum::response::IntoResponse as _;
use bongsu_host::problem::Problem;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, request, response};

use crate::cors::{Allowed, Cors};
use crate::filter::{Exchange, Filter, Flow};

/// Where it says something, a service says nothing about it.
pub struct CrossOrigin(Vec<Allowed>);

impl CrossOrigin {
    /// Nothing where there is nothing to do.
    pub(crate) fn of(all: &[Cors]) -> Option<Self> {
        Some(all.iter().filter_map(Allowed::of).collect::<Vec<_>>()).filter(|all| !all.is_empty()).map(Self)
    }
}

impl Filter for CrossOrigin {
    fn name(&self) -> &'static str {
        "cross-origin"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let headers = &request.headers;
        let Some(at) = Allowed::find(&self.0, request.uri.path()) else { return Flow::Continue };
        let allowed = &self.0[at];
        let origin = allowed.origin(headers);
        exchange.cross_origin = Some((at, origin.clone()));
        let is_asked_before = request.method == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !is_asked_before {
            return Flow::Continue;
        }
        if origin.is_none() {
            return Problem::forbidden("No page of that address may ask for this.").into();
        }
        let mut answer = StatusCode::NO_CONTENT.into_response();
        let said = answer.headers_mut();
        said.insert(ACCESS_CONTROL_ALLOW_METHODS, allowed.methods.clone());
        said.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.headers.clone());
        said.insert(ACCESS_CONTROL_MAX_AGE, allowed.max_age.clone());
        Flow::Answer(answer)
    }

    fn on_response(&self, response: &mut response::Parts, exchange: &Exchange) {
        let Some((at, origin)) = &exchange.cross_origin else { return };
        let allowed = &self.0[*at];
        let headers = &mut response.headers;
        for said in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_ALLOW_CREDENTIALS] {
            headers.remove(said);
        }
        if allowed.varies() {
            vary(headers);
        }
        let Some(origin) = origin else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if let Some(exposed) = &allowed.exposed {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
    }
}

/// A cache keeps an answer for one origin apart from one for another.
fn vary(headers: &mut HeaderMap) {
    let lines = headers.get_all(VARY).iter().filter_map(|line| line.to_str().ok());
    let mut names = lines.flat_map(|line| line.split(',')).map(str::trim);
    if !names.any(|name| name == "*" || name.eq_ignore_ascii_case("origin")) {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
}
