//! What a head may be and announce.

use bongsu_host::config::Limits;
use bongsu_host::problem::Problem;
use http::{StatusCode, header, request};

use crate::filter::{Exchange, Filter, Flow};

/// 431 for a head too large, 413 for a body announced too large. (Of a body with two lengths hyper keeps the chunks and
/// drops the number, as RFC 9112 §6.3 asks for, so nothing can be smuggled behind it.)
pub struct HeadLimits(pub Limits);

impl Filter for HeadLimits {
    fn name(&self) -> &'static str {
        "limits"
    }

    fn on_request(&self, request: &mut request::Parts, _: &mut Exchange) -> Flow {
        let target = request.uri.path_and_query().map_or(0, |target| target.as_str().len());
        let headers = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
        if target + headers > self.0.header_bytes {
            let detail = format!("At most {} bytes of target and headers are read.", self.0.header_bytes);
            return Problem::of_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE).detail(detail).into();
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
