//! How the protocol says no: JSON with `error` and `error_description` (RFC 6749 §5.2), never kept by a cache.

use axum::response::{IntoResponse, Response};
use bongsu_host::problem::{OwnForm, Problem};
use bongsu_runtime::CommandError;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::form::Unreadable;

/// Why a request was refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// By the protocol.
    Protocol(Protocol),
    /// The service cannot answer now.
    Service(Problem),
}

/// An error of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) status: StatusCode,
    pub(crate) error: &'static str,
    pub(crate) why: &'static str,
    /// What the caller is to show.
    pub(crate) challenge: Option<Challenge>,
}

/// How a caller says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A client.
    Basic,
    /// Whoever has an access token.
    Bearer,
    /// The same, when no token was given: then nothing is said of it (RFC 6750 §3.1).
    NoBearer,
}

impl Refusal {
    pub(crate) fn new(error: &'static str, why: &'static str) -> Self {
        Self::Protocol(Protocol { status: StatusCode::BAD_REQUEST, error, why, challenge: None })
    }

    /// The client is not who it says it is.
    pub(crate) fn client(why: &'static str) -> Self {
        let status = StatusCode::UNAUTHORIZED;
        let error = "invalid_client";
        Self::Protocol(Protocol { status, error, why, challenge: Some(Challenge::Basic) })
    }

    /// What was to be exchanged is not, or no longer, good.
    pub(crate) fn grant(why: &'static str) -> Self {
        Self::new("invalid_grant", why)
    }

    /// The access token does not open this.
    pub(crate) fn token(why: &'static str) -> Self {
        let status = StatusCode::UNAUTHORIZED;
        let error = "invalid_token";
        Self::Protocol(Protocol { status, error, why, challenge: Some(Challenge::Bearer) })
    }
}

impl From<Unreadable> for Refusal {
    fn from(Unreadable { status, why }: Unreadable) -> Self {
        Self::Protocol(Protocol { status, error: "invalid_request", why, challenge: None })
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        Self::Service(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Protocol(protocol) => protocol.into_response(),
            Self::Service(problem) => problem.into_response(),
        }
    }
}

impl IntoResponse for Protocol {
    fn into_response(self) -> Response {
        let Self { status, error, why, challenge } = self;
        let mut response = json(status, &json!({ "error": error, "error_description": why }));
        let challenge = challenge.map(|challenge| match challenge {
            Challenge::Basic => "Basic realm=\"identity\"".to_owned(),
            Challenge::Bearer => format!("Bearer realm=\"identity\", error=\"{error}\", error_description=\"{why}\""),
            Challenge::NoBearer => "Bearer realm=\"identity\"".to_owned(),
        });
        if let Some(challenge) = challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// An answer in JSON that no cache keeps.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(body.to_string().into());
    *response.status_mut() = status;
    response.extensions_mut().insert(OwnForm);
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
