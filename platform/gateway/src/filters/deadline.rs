//! How long a caller still waits, told at every hop.

use std::time::Duration;

use bongsu_host::problem::Problem;
use http::request;
use tokio::time::Instant;

use crate::filter::{Exchange, Filter, Flow};

/// Milliseconds that are left for the answer to begin. It shrinks from hop to hop.
pub const DEADLINE: &str = "x-bongsu-deadline-ms";

/// A caller may ask for less than the gateway's own limit, never for more. What is no number is refused.
pub struct Deadline;

impl Filter for Deadline {
    fn name(&self) -> &'static str {
        "deadline"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let Some(asked) = request.headers.get(DEADLINE) else { return Flow::Continue };
        let Some(millis) = asked.to_str().ok().and_then(|value| value.parse::<u32>().ok()) else {
            return Problem::bad_request(format!("{DEADLINE} is a number of milliseconds.")).into();
        };
        let wished: Instant = exchange.began + Duration::from_millis(millis.into());
        if wished < exchange.deadline {
            exchange.deadline = wished;
            exchange.is_patient = false;
        }
        Flow::Continue
    }
}
