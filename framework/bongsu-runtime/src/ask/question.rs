//! What is asked, for whom, and what comes back.

use std::time::Duration;

use bytes::Bytes;

use crate::ports::env::HttpRequest;

/// The header that says how many milliseconds a caller still waits for an answer to begin. It shrinks from hop to hop.
pub const DEADLINE: &str = "x-bongsu-deadline-ms";
/// The header under which a request happens once.
const KEY: &str = "idempotency-key";

/// On whose behalf something is asked: what of a request travels on with what it causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behalf {
    /// Who is asking and in which trace, as it is said to the next one.
    pub headers: Vec<(String, String)>,
    /// When whoever asked does not wait any more, by the monotonic clock.
    pub until: Option<Duration>,
}

/// One request to another service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    method: &'static str,
    path: String,
    body: Bytes,
    key: Option<String>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Status code: below 500, or one that says nothing about whether the service is well.
    pub status: u16,
    /// Body.
    pub body: Bytes,
    /// Why this is not the service's answer but what the map has [instead](crate::Asks::instead).
    pub instead_of: Option<Unanswered>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The map does not declare that it is asked.
    #[error("the map does not say that it is asked")]
    Undeclared,
    /// Whoever asked does not wait long enough any more: the call was not made.
    #[error("there was no time left to ask")]
    NoTime,
    /// It is left alone, for so long: the call was not made.
    #[error("it is left alone for {0:?}")]
    Open(Duration),
    /// As many calls as may be are unanswered: this one was not made.
    #[error("too many calls are unanswered")]
    Busy,
    /// No answer in time. Whether it acted is not known.
    #[error("no answer in time")]
    Late,
    /// No connection, or one that broke. Whether it acted is not known.
    #[error("{0}")]
    Lost(String),
    /// It answered that it failed: 500, 502, 503 or 504.
    #[error("the answer was {0}")]
    Failed(u16),
}

impl Question {
    /// Reads what is at a path and query. What came from outside stands in it only once it is known to be plain, or encoded.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: Bytes::new(), key: None }
    }

    /// Asks for something to happen, once per key.
    pub fn post(path: impl Into<String>, key: impl Into<String>, json: impl Into<Bytes>) -> Self {
        Self { method: "POST", path: path.into(), body: json.into(), key: Some(key.into()) }
    }

    /// Whether it does no harm to ask twice, of somebody who knows keys or not.
    pub(crate) fn may_repeat(&self, knows_keys: bool) -> bool {
        self.method == "GET" || (knows_keys && self.key.is_some())
    }

    /// As it is sent to whoever has that name, on somebody's behalf, with so much time.
    pub(crate) fn request(&self, name: &str, behalf: &Behalf, deadline: Duration) -> HttpRequest {
        let mut headers = behalf.headers.clone();
        headers.push((DEADLINE.to_owned(), deadline.as_millis().to_string()));
        headers.extend(self.key.iter().map(|key| (KEY.to_owned(), key.clone())));
        if !self.body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        // A path without a slash would go on with the name.
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        let url = format!("http://{name}{slash}{}", self.path);
        HttpRequest { method: self.method, url, headers, body: self.body.clone(), deadline }
    }
}

impl Answered {
    /// The service's own.
    pub(crate) fn own(status: u16, body: Bytes) -> Self {
        Self { status, body, instead_of: None }
    }
}

impl Unanswered {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Undeclared => "undeclared",
            Self::NoTime => "no-time",
            Self::Open(_) => "open",
            Self::Busy => "busy",
            Self::Late => "late",
            Self::Lost(_) => "lost",
            Self::Failed(_) => "failed",
        }
    }
}
