//! How long a caller still waits, told at every hop.

use std::time::Duration;

use http::request;
use tokio::time::Instant;

use crate::filter::{Exchange, Filter, Flow};

/// Milliseconds that are left for the answer to begin. It shrinks from hop to hop.
pub const DEADLINE: &str = "x-bongsu-deadline-ms";

/// A caller may ask for less than the gateway's own limit, never for more.
pub struct Deadline;

impl Filter for Deadline {
    fn name(&self) -> &'static str {
        "deadline"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let asked = request.headers.get(DEADLINE).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
        if let Some(millis) = asked {
            let wished: Instant = exchange.began + Duration::from_millis(millis.into());
            exchange.deadline = exchange.deadline.min(wished);
        }
        Flow::Continue
    }
}
