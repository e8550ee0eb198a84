//! The gateway is asked by a name that was given out, or by a number.

use bongsu_host::problem::Problem;
use bongsu_keys::is_given_out;
use http::request;

use crate::filter::{Exchange, Filter, Flow};

/// Refuses requests for other names: those of web pages whose name was made to lead here.
pub struct GivenOut(pub Vec<String>);

impl Filter for GivenOut {
    fn name(&self) -> &'static str {
        "given-out"
    }

    fn on_request(&self, request: &mut request::Parts, _: &mut Exchange) -> Flow {
        check(request, &self.0).map_or_else(Flow::from, |()| Flow::Continue)
    }
}

/// Whether the name a request is for was given out.
pub(super) fn check(request: &request::Parts, hosts: &[String]) -> Result<(), Problem> {
    is_given_out(&request.headers, &request.uri, hosts).then_some(()).ok_or_else(Problem::wrong_host)
}
