//! Errors to the outside, as RFC 9457 `application/problem+json`.
//!
//! `type` is `/errors/<code>`: a root-relative reference, so it resolves at whatever address the gateway has,
//! where the pages of `docs/errors` are served; the code never changes. Internals are logged, never sent.

use axum::response::{IntoResponse, Response};
use bongsu_keys::NotKnown;
use bongsu_runtime::{CommandError, Reply};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::trace;

/// Media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// In seconds: what only a hand can mend is not asked again every second, and soon enough once it is.
const UNTIL_AN_OPERATOR_ACTS: u32 = 30;

/// An error as the client sees it.
///
/// ```
/// use bongsu_host::problem::Problem;
/// use http::StatusCode;
/// let problem = Problem::new(StatusCode::CONFLICT, "already-open", "The door is already open")
///     .detail("It was opened at noon.")
///     .with("door", "front");
/// let body: serde_json::Value = serde_json::from_slice(&problem.body()).unwrap();
/// assert_eq!(body["type"], "/errors/already-open");
/// assert_eq!(body["status"], 409);
/// assert_eq!(body["door"], "front");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Boxed, because it is the `Err` of everything a handler calls.
    inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    status: StatusCode,
    code: String,
    title: String,
    detail: Option<String>,
    errors: Vec<Fault>,
    more: Map<String, Value>,
    retry_after: Option<u32>,
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

/// Marks an answer whose form another standard says, an error of OAuth or a page for people, so that it leaves as it is: an
/// extension of the response.
#[derive(Clone, Copy, Debug)]
pub struct OwnForm;

/// What is wrong with one place of the request body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// JSON pointer (RFC 6901); empty for the whole body.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

/// The order of the members on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemBody<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}

impl Problem {
    /// An error with its stable code and a title that is the same every time.
    pub fn new(status: StatusCode, code: impl Into<String>, title: impl Into<String>) -> Self {
        let inner = Inner {
            status,
            code: code.into(),
            title: title.into(),
            detail: None,
            errors: Vec::new(),
            more: Map::new(),
            retry_after: None,
            headers: Vec::new(),
        };
        Self { inner: Box::new(inner) }
    }

    /// 404: there is no such thing, or not for this principal.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::of_status(StatusCode::NOT_FOUND).detail(detail)
    }

    /// 403: known, but not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::of_status(StatusCode::FORBIDDEN).detail(detail)
    }

    /// 400: the request makes no sense.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::of_status(StatusCode::BAD_REQUEST).detail(detail)
    }

    /// 422: understood, but this place of the body cannot be meant.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of_status(StatusCode::UNPROCESSABLE_ENTITY).error(pointer, detail)
    }

    /// 503: later, maybe.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::of_status(StatusCode::SERVICE_UNAVAILABLE).detail(detail).retry_after(1)
    }

    /// 421: asked by a name that was not given out; a web page does that whose name was made to lead here.
    pub fn wrong_host() -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", "This address was not given out")
            .detail("It is asked by its IP address, localhost, or a name in `hosts`.")
    }

    /// 401: nobody is logged in.
    pub fn nobody() -> Self {
        Self::of_status(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 401: no key of this system that is meant for this process.
    pub fn not_known(why: NotKnown) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "key-needed", "This needs a key")
            .detail(why.to_string())
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: known, but no operator.
    pub fn not_an_operator(name: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "operators-only", "This is for operators")
            .detail(format!("This is the key of {name}."))
    }

    /// 503: nobody would hear of what is done, until an operator decides.
    fn history_parted(context: &str) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "history-parted",
            "What this service does is not heard by anybody until an operator adopts its history (bongsu adopt)",
        )
        .detail(format!(
            "Nothing was done: {context} takes no command now, and answers what is read. For its operator: `bongsu adopt \
             {context} --dry-run` shows where its store and what was published part, `bongsu adopt {context} --reason …` opens a \
             new history."
        ))
        .retry_after(UNTIL_AN_OPERATOR_ACTS)
    }

    /// 503: the store takes nothing more, until an operator opens it anew.
    fn store_damaged() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-damaged", "The store of this service cannot be used")
            .detail("Nothing was done. Send it again later with the same Idempotency-Key. For operators: `bongsu ps`.")
            .retry_after(UNTIL_AN_OPERATOR_ACTS)
    }

    /// 500: our fault. Says nothing; log what it was.
    pub fn internal() -> Self {
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The problem a bare status stands for.
    pub fn of_status(status: StatusCode) -> Self {
        let (code, title) = match status.as_u16() {
            400 => ("bad-request", "The request makes no sense"),
            401 => ("unauthenticated", "Nobody is logged in"),
            403 => ("forbidden", "Not allowed"),
            404 => ("not-found", "There is no such thing"),
            405 => ("method-not-allowed", "This cannot be done to it"),
            406 => ("not-acceptable", "No such representation"),
            408 => ("request-timeout", "The request did not arrive in time"),
            409 => ("conflict", "Somebody else was faster"),
            412 => ("precondition-failed", "It has changed meanwhile"),
            413 => ("body-too-large", "The body is too large"),
            414 | 431 => ("headers-too-large", "The request's head is too large"),
            415 => ("unsupported-media-type", "The body must be application/json"),
            422 => ("invalid-body", "The body cannot be meant"),
            428 => ("precondition-required", "Say which version is meant"),
            429 => ("too-many-requests", "Too many requests"),
            503 => ("unavailable", "Not available at the moment"),
            504 => ("timeout", "No answer in time"),
            500..=599 => ("internal", "Something went wrong here"),
            _ => ("refused", "The request was refused"),
        };
        Self::new(status, code, title)
    }

    /// What happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.inner.detail = Some(detail.into());
        self
    }

    /// Adds a place of the request body and what is wrong there.
    #[must_use]
    pub fn error(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.inner.errors.push(Fault { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Adds a member of the error's own, such as what is short. Not one of the standard members.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        if !matches!(member, "type" | "title" | "status" | "detail" | "traceId" | "errors") {
            self.inner.more.insert(member.to_owned(), value.into());
        }
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.inner.retry_after = Some(seconds);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.inner.headers.push((name, value));
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// What happened this time, or what it is in general.
    pub fn reason(&self) -> &str {
        self.inner.detail.as_deref().unwrap_or(&self.inner.title)
    }

    /// The last part of its `type`.
    pub fn code(&self) -> &str {
        &self.inner.code
    }

    /// The JSON body, with the trace id of the request being served.
    pub fn body(&self) -> Bytes {
        let written = ProblemBody {
            r#type: format!("/errors/{}", self.inner.code),
            title: &self.inner.title,
            status: self.inner.status.as_u16(),
            detail: self.inner.detail.as_deref(),
            trace_id: trace::current_id(),
            errors: &self.inner.errors,
            more: &self.inner.more,
        };
        serde_json::to_vec(&written).expect("strings, numbers and JSON values always encode").into()
    }

    /// The problem as an answer the runtime stores with the once-key: for the `reply` of `Handle::execute`.
    pub fn reply(&self) -> Reply {
        let headers = self
            .all_headers()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Reply { status: self.inner.status.as_u16(), headers: headers.collect(), body: self.body() }
    }

    fn all_headers(&self) -> impl Iterator<Item = (header::HeaderName, HeaderValue)> {
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        let later = self.inner.retry_after.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds)));
        [kind].into_iter().chain(later).chain(self.inner.headers.clone())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body().into());
        *response.status_mut() = self.inner.status;
        response.headers_mut().extend(self.all_headers());
        response
    }
}

impl From<CommandError> for Problem {
    /// Logs what must not be sent.
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "This Idempotency-Key came with another request before",
            ),
            CommandError::Conflict => Self::of_status(StatusCode::CONFLICT).retry_after(1),
            CommandError::HistoryParted { context, why } => {
                tracing::warn!(code = "history-parted", reason = %why, "a command was refused");
                Self::history_parted(&context)
            }
            CommandError::Damaged(why) => {
                tracing::warn!(code = "store-damaged", reason = %why, "a command was refused");
                Self::store_damaged()
            }
            CommandError::Unavailable(why) => {
                tracing::warn!(reason = %why, "a command was refused for now");
                Self::unavailable("Try again in a moment; with the same Idempotency-Key nothing happens twice.")
            }
            CommandError::Corrupt(why) => {
                tracing::error!(code = "corrupt", reason = %why, "a command met damaged data");
                Self::internal()
            }
            CommandError::Invalid(why) => {
                tracing::warn!(reason = %why, "a command cannot be stored");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not-storable", "What this asks for cannot be stored")
            }
        }
    }
}
