//! Nobody says who he is, or what was decided about him, but the gateway.

use http::{HeaderName, request};

use super::DEADLINE;
use crate::filter::{Exchange, Filter, Flow};

/// Headers between the parts of a system; from outside they would be claims nobody checked.
const INTERNAL: &str = "x-bongsu-";

/// Removes every identity a client claims.
pub struct Identity;

impl Filter for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn on_request(&self, request: &mut request::Parts, _: &mut Exchange) -> Flow {
        let claimed: Vec<HeaderName> = request
            .headers
            .keys()
            .filter(|name| name.as_str().starts_with(INTERNAL) || name.as_str().starts_with("x-user"))
            // A caller may be less patient than we are; the deadline filter sees to it that it is not more.
            .filter(|name| name.as_str() != DEADLINE)
            .cloned()
            .collect();
        for name in claimed {
            request.headers.remove(name);
        }
        Flow::Continue
    }
}
