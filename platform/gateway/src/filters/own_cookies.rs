//! The gateway's cookies are between it and the browser.

use http::{request, response};

use crate::filter::{Exchange, Filter, Flow};
use crate::sessions::cookies;

/// Keeps them back from services, and lets none of them set one.
pub struct OwnCookies;

impl Filter for OwnCookies {
    fn name(&self) -> &'static str {
        "own-cookies"
    }

    fn on_request(&self, request: &mut request::Parts, _: &mut Exchange) -> Flow {
        cookies::keep_back(&mut request.headers);
        Flow::Continue
    }

    fn on_response(&self, response: &mut response::Parts, _: &Exchange) {
        cookies::refuse_foreign(&mut response.headers);
    }
}
