//! What a head may be and announce.

use bongsu_host::config::Limits;
use bongsu_host::head;
use bongsu_host::problem::Problem;
use http::{StatusCode, header, request};

use crate::filter::{Exchange, Filter, Flow};

/// 414 or 431 for a head too large, 400 for one that means two things, 413 for a body announced too large. (Of a body with two lengths hyper keeps the chunks and
/// drops the number, as RFC 9112 §6.3 asks for, so nothing can be smuggled behind it.)
pub struct HeadLimits(pub Limits);

impl Filter for HeadLimits {
    fn name(&self) -> &'static str {
        "limits"
    }

    fn on_request(&self, request: &mut request::Parts, _: &mut Exchange) -> Flow {
        if let Err(problem) = head::check(request, &self.0) {
            return problem.into();
        }
        let length = request.headers.get(header::CONTENT_LENGTH);
        let announced = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
        if announced > self.0.body_bytes as u64 {
            return too_large(self.0.body_bytes).into();
        }
        Flow::Continue
    }
}

/// The answer to a body over the limit.
pub(crate) fn too_large(limit: usize) -> Problem {
    Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE).detail(format!("At most {limit} bytes are read."))
}
