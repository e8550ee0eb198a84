//! Overload is refused at once, never queued.

use std::sync::Arc;

use bongsu_host::problem::Problem;
use http::{StatusCode, request};
use tokio::sync::Semaphore;

use crate::filter::{Exchange, Filter, Flow};

/// So many requests at once, counted until the last byte of the answer; one more is 503 with `Retry-After`.
pub struct Shed(Arc<Semaphore>);

impl Shed {
    /// At most `at_once` requests.
    pub fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once.min(Semaphore::MAX_PERMITS))))
    }
}

impl Filter for Shed {
    fn name(&self) -> &'static str {
        "shed"
    }

    fn on_request(&self, _: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        match self.0.clone().try_acquire_owned() {
            Ok(permit) => {
                exchange.held.push(Box::new(permit));
                Flow::Continue
            }
            Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too busy").retry_after(1).into(),
        }
    }
}
