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
        match is_given_out(&request.headers, &request.uri, &self.0) {
            true => Flow::Continue,
            false => Problem::wrong_host().into(),
        }
    }
}
