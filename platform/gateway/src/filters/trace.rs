//! W3C Trace Context: the caller's trace goes on, or one begins here.

use bongsu_host::trace::{BAGGAGE, TRACEPARENT, TRACESTATE};
use http::{HeaderName, HeaderValue, request, response};

use crate::filter::{Exchange, Filter, Flow};

/// Sends the gateway's span upstream, and tells the client its trace.
pub struct TraceContext;

impl Filter for TraceContext {
    fn name(&self) -> &'static str {
        "trace"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        for name in [TRACEPARENT, TRACESTATE, BAGGAGE] {
            request.headers.remove(name);
        }
        for (name, value) in exchange.trace.headers() {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                request.headers.insert(name, value);
            }
        }
        Flow::Continue
    }

    fn on_response(&self, response: &mut response::Parts, exchange: &Exchange) {
        if let Ok(value) = HeaderValue::try_from(exchange.trace.traceparent()) {
            response.headers.insert(TRACEPARENT, value);
        }
    }
}
