//! What is said to whoever asked where no instance answered, and what that says of the service.

use std::error::Error;

use axum::response::{IntoResponse as _, Response};
use bongsu_breaker::{Fault, Shut};
use bongsu_host::problem::Problem;
use http::StatusCode;

use crate::body::Account;
use crate::outcome::Ended;
use crate::streams::Full;

/// Why no instance answered.
pub(super) struct Missed {
    pub(super) ended: Ended,
    pub(super) problem: Problem,
}

impl Missed {
    pub(super) fn failed(fault: Fault, problem: Problem) -> Self {
        Self { ended: Ended::Failed(fault), problem }
    }

    /// Whatever it is, it says nothing about a service.
    pub(super) fn nobodys(problem: Problem) -> Self {
        Self { ended: Ended::Nobody, problem }
    }
}

/// The breaker lets nothing pass.
pub(super) fn refusal(service: &str, shut: Shut) -> Problem {
    match shut {
        Shut::Open(left) => {
            let seconds = u32::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "circuit-open", "The service is left alone for a while")
                .detail(format!("'{service}' failed too often here. It was not asked."))
                .retry_after(seconds.max(1))
        }
        Shut::Full => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too busy")
            .detail(format!("Too many requests wait for '{service}' here."))
            .retry_after(1),
    }
}

/// What the client did, which no instance could help.
pub(super) fn at_fault(account: &Account, upstream: &str) -> Missed {
    if account.is_exceeded() {
        return Missed::nobodys(crate::filters::too_large(account.limit()));
    }
    tracing::info!(upstream, "a client broke off in the midst of its body");
    Missed::nobodys(Problem::bad_request("The body broke off."))
}

/// The connection broke. What broke on the client's side, or is no HTTP, would do so again.
pub(super) fn is_lost(error: &(dyn Error + 'static)) -> bool {
    !hyper_errors(error).any(|error| error.is_parse() || error.is_user())
}

fn hyper_errors<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e hyper::Error> {
    let mut cause = Some(error);
    std::iter::from_fn(move || {
        let this = cause?;
        cause = this.source();
        Some(this)
    })
    .filter_map(|error| error.downcast_ref())
}

pub(super) fn too_many_streams(full: Full) -> Response {
    let problem = match full {
        Full::ForAll => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too busy").detail("Too many open streams.")
        }
        Full::ForHim(most) => Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", "Too many open streams")
            .detail(format!("One caller may have {most} streams and WebSockets open at once. Close one first.")),
    };
    problem.retry_after(5).into_response()
}

/// No instance is ready, or every one that is refused the connection.
pub(super) fn absent(service: &str, has_refused: bool) -> Missed {
    let problem = Problem::unavailable(format!("No instance of '{service}' is ready."));
    if has_refused { Missed::failed(Fault::Refused, problem) } else { Missed::nobodys(problem) }
}

/// Every connection was refused, and the body is gone.
pub(super) fn lost(service: &str) -> Missed {
    let problem = Problem::new(StatusCode::BAD_GATEWAY, "upstream-lost", "The service could not be reached")
        .detail(format!("The connection to '{service}' was lost."));
    Missed::failed(Fault::Refused, problem)
}

/// The connection broke, or what came was no HTTP.
pub(super) fn broken(service: &str, error: &(dyn Error + 'static)) -> Missed {
    let garbage = hyper_errors(error).any(hyper::Error::is_parse);
    let (code, detail) = match garbage {
        true => ("upstream-garbage", format!("What '{service}' answered cannot be understood.")),
        false => ("upstream-lost", format!("The connection to '{service}' was lost. Whether it acted is not known.")),
    };
    let problem = Problem::new(StatusCode::BAD_GATEWAY, code, "The service gave no answer").detail(detail);
    Missed::failed(if garbage { Fault::Garbage } else { Fault::Lost }, problem)
}
