//! What a filter is: something every request passes on its way in and every answer on its way out.

use std::any::Any;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use axum::response::{IntoResponse, Response};
use bongsu_host::problem::Problem;
use bongsu_host::trace::Trace;
use bongsu_keys::Vouched;
use http::{HeaderValue, Version, request, response};
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;

use crate::filters::Noted;
use crate::lease::Lease;
use crate::sessions::Found;

/// One behaviour of the gateway. Filters stand in one ordered list; a request passes them from the first to the
/// last, its answer the same ones back from the last to the first. A filter that answers itself ends the way in
/// there: the filters behind it see neither request nor answer.
pub trait Filter: Send + Sync {
    /// For logs.
    fn name(&self) -> &'static str;

    /// On the way in: may change the head, note something in the exchange, or answer itself.
    fn on_request(&self, _request: &mut request::Parts, _exchange: &mut Exchange) -> Flow {
        Flow::Continue
    }

    /// On the way out: may change the head.
    fn on_response(&self, _response: &mut response::Parts, _exchange: &Exchange) {}
}

/// What happens to a request after a filter.
pub enum Flow {
    /// The next filter's turn.
    Continue,
    /// This is the answer.
    Answer(Response),
    /// This becomes the answer.
    Later(Pin<Box<dyn Future<Output = Response> + Send>>),
    /// The same filter's turn again, after this.
    Again(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// What is known about one request while it is served.
pub struct Exchange {
    /// Who sent it.
    pub peer: SocketAddr,
    /// Its trace; the gateway is a span of it.
    pub trace: Trace,
    /// When its head had arrived.
    pub began: Instant,
    /// When its answer must have begun.
    pub deadline: Instant,
    /// Whether that is the gateway's own limit, not a shorter one its caller asked for.
    pub is_patient: bool,
    /// Method and path as they came, for the access log.
    pub asked: (http::Method, String),
    /// The service its path belongs to, once known.
    pub service: Option<String>,
    /// The path of the table that led there.
    pub route: Option<String>,
    /// Whether the gateway itself is asked, and no service.
    pub is_own: bool,
    /// Whether another path is asked in the place of the one that was, whose service is left alone.
    pub(crate) is_elsewhere: bool,
    /// Who is asking.
    pub who: Who,
    /// Whether the issuer was asked for its keys because of it.
    pub has_waited: bool,
    /// Who is in the session that was shown, once that was asked.
    pub(crate) session: Option<Arc<OnceLock<Found>>>,
    /// What whoever is asking was let in by, if that may end.
    pub(crate) lease: Option<Lease>,
    /// What it takes to make a WebSocket of its connection, if that is asked for.
    pub(crate) upgrade: Option<OnUpgrade>,
    /// What is said to pages of other addresses: by which rule, and to whom.
    pub(crate) cross_origin: Option<(usize, Option<HeaderValue>)>,
    /// Cookies that its answer sets.
    pub(crate) cookies: Vec<HeaderValue>,
    /// What the answer says of rates.
    pub(crate) noted: Vec<Noted>,
    /// How much of the request's body a service was given.
    pub(crate) received: u64,
    /// The protocol it came by, if it is logged.
    pub(crate) is_logged: Option<Version>,
    /// The instance that answered, once known.
    pub instance: Option<SocketAddr>,
    /// Kept until the last byte of the answer is sent.
    pub held: Vec<Box<dyn Any + Send + Sync>>,
}

/// Who is asking, as far as the gateway knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Who {
    /// Nobody was looked for yet, or nobody is known.
    #[default]
    Nobody,
    /// Somebody with a token of the issuer, or in a session.
    Person(Vouched),
    /// Somebody without a login, by an id of his own.
    Visitor(Vouched),
    /// Whoever has an operator's key.
    Operator,
    /// Whoever has the key of a process, which is not for this.
    Process(String),
}

impl From<Problem> for Flow {
    fn from(problem: Problem) -> Self {
        Self::Answer(problem.into_response())
    }
}
