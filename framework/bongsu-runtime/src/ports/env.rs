//! Everything a process takes from the machine: the only source of time, chance, tasks and HTTP.

use std::time::Duration;

use super::Fut;
use bytes::Bytes;

/// Time, chance and tasks.
pub trait Env: Send + Sync {
    /// Wall clock, milliseconds since the Unix epoch: `Ctx.now_ms`, event times, durable timers.
    fn wall_ms(&self) -> i64;
    /// Monotonic clock: timeouts, backoff, lease age; never jumps.
    fn mono(&self) -> Duration;
    /// Waits.
    fn sleep(&self, how_long: Duration) -> Fut<'static, ()>;
    /// 64 random bits.
    fn random(&self) -> u64;
    /// Runs a task until it ends or its handle is dropped.
    fn spawn(&self, name: &'static str, task: Fut<'static, ()>) -> Box<dyn Task>;
    /// A named crash point: the simulator kills here, an environment variable makes a real process exit here.
    fn step(&self, _at: &'static str) {}
    /// Notes that something happened that a run must sometimes meet, see [`coverage`](crate::ports::coverage): the simulator
    /// counts, a real process does nothing.
    fn sometimes(&self, _what: &'static str) {}
}

/// A running task; dropping the handle stops it.
pub trait Task: Send + Sync {
    /// Resolves when the task has ended.
    fn ended(&self) -> Fut<'_, ()>;
}

/// An HTTP request to the outside world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`…
    pub method: &'static str,
    /// Absolute URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
    /// After so long the outcome is unknown.
    pub deadline: Duration,
}

/// An answer of the outside world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: Bytes,
}

/// No answer: refused, reset, or past the deadline. Whether the request took effect is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HttpError(pub String);

/// How activities reach the outside world.
pub trait HttpClient: Send + Sync {
    /// Sends one request.
    fn send(&self, request: HttpRequest) -> Fut<'_, Result<HttpResponse, HttpError>>;
}
