//! Lines of requests and answers that are added or taken out, as it is set.

use http::{request, response};

use crate::filter::{Exchange, Filter, Flow};
use crate::headers::{self, Changes, Headers};

/// Of requests: the last thing before a service.
pub struct RequestHeaders(Vec<Changes>);

/// Of answers, the gateway's own, too.
pub struct AnswerHeaders(Vec<Changes>);

impl RequestHeaders {
    /// Nothing where there is nothing to do.
    pub(crate) fn of(all: &[Headers]) -> Option<Self> {
        Some(headers::changes(all, |one| &one.request)).filter(|all| !all.is_empty()).map(Self)
    }
}

impl AnswerHeaders {
    /// Nothing where there is nothing to do.
    pub(crate) fn of(all: &[Headers]) -> Option<Self> {
        Some(headers::changes(all, |one| &one.answer)).filter(|all| !all.is_empty()).map(Self)
    }
}

impl Filter for RequestHeaders {
    fn name(&self) -> &'static str {
        "request-headers"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        headers::apply_alone(&self.0, &exchange.asked.1, &mut request.headers);
        Flow::Continue
    }
}

impl Filter for AnswerHeaders {
    fn name(&self) -> &'static str {
        "answer-headers"
    }

    fn on_response(&self, response: &mut response::Parts, exchange: &Exchange) {
        headers::apply(&self.0, &exchange.asked.1, &mut response.headers);
    }
}
