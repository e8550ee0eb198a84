//! The path as a service knows it.

use bongsu_host::problem::Problem;
use http::{Uri, request};

use crate::filter::{Exchange, Filter, Flow};
use crate::rewrite::{self, Rewrite};

/// Puts it in the place of the one that was asked. From here on it is what counts: who may is said of it.
pub struct Rewrites(pub Vec<Rewrite>);

impl Filter for Rewrites {
    fn name(&self) -> &'static str {
        "rewrites"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let Some(path) = rewrite::of(&self.0, request.uri.path()).filter(|_| !exchange.is_own) else {
            return Flow::Continue;
        };
        let target = request.uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
        match Uri::try_from(target) {
            Ok(uri) => {
                request.uri = uri;
                Flow::Continue
            }
            Err(_) => Problem::bad_request("This target cannot be sent on.").into(),
        }
    }
}
