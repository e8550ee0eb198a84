//! What a browser asks the gateway itself, before any route: to log in and out, and who is logged in.

use http::request;

use crate::filter::{Exchange, Filter, Flow};
use crate::sessions::Browsers;

/// Answers it, where browsers can log in.
pub struct LogIn(pub(crate) Option<Browsers>);

impl Filter for LogIn {
    fn name(&self) -> &'static str {
        "log-in"
    }

    fn on_request(&self, request: &mut request::Parts, _: &mut Exchange) -> Flow {
        match self.0.as_ref().and_then(|browsers| browsers.flow.answer(request)) {
            None => Flow::Continue,
            Some(Ok(later)) => Flow::Later(later),
            Some(Err(problem)) => problem.into(),
        }
    }
}
