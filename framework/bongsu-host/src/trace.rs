//! W3C Trace Context: who asked, across HTTP and facts.
//!
//! A request comes with a trace or starts one; this service is a span of it. The trace is an extension of
//! the request and, while the request is served, what [`current`] answers.

use std::{fmt, future::Future};

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};

use crate::{env, problem::Problem};

/// Header of the trace and the caller's span.
pub const TRACEPARENT: &str = "traceparent";
/// Header of what travels along; passed through unread.
pub const BAGGAGE: &str = "baggage";
/// Header of the tracing systems' own notes; passed through unread.
pub const TRACESTATE: &str = "tracestate";
/// Longest baggage or tracestate passed on, in bytes (W3C Baggage §3.3.2).
const MAX_PASSED: usize = 8_192;

tokio::task_local! {
    static CURRENT: Trace;
}

/// The trace of one request, and this service's span in it.
///
/// ```
/// use bongsu_host::trace::Trace;
/// let trace = Trace::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
/// assert_eq!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_ne!(trace.traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
/// assert_eq!(Trace::parse("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    trace: u128,
    span: u64,
    flags: u8,
    baggage: Option<String>,
    tracestate: Option<String>,
}

impl Trace {
    /// A new trace.
    pub fn start() -> Self {
        let trace = u128::from(env::random()) << 64 | u128::from(env::random() | 1);
        Self { trace, span: new_span(), flags: 1, baggage: None, tracestate: None }
    }

    /// A new span of the trace in a `traceparent`; `None` when that is not valid.
    ///
    /// A higher version than 00 is read as far as 00 goes (Trace Context §3.2.4).
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let version = hex::<u8>(parts.next()?, 2)?;
        let (trace, parent) = (hex::<u128>(parts.next()?, 32)?, hex::<u64>(parts.next()?, 16)?);
        let flags = hex::<u8>(parts.next()?, 2)?;
        let ended = parts.next().is_none();
        if version == 0xff || (version == 0 && !ended) || trace == 0 || parent == 0 {
            return None;
        }
        Some(Self { trace, span: new_span(), flags, baggage: None, tracestate: None })
    }

    /// The trace of a request: the caller's if valid, else a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        let one = |name| {
            let mut all = headers.get_all(name).iter();
            let first = all.next()?.to_str().ok()?;
            all.next().is_none().then_some(first)
        };
        let Some(mut trace) = one(TRACEPARENT).and_then(Self::parse) else {
            return Self { baggage: passed(headers, BAGGAGE), ..Self::start() };
        };
        trace.baggage = passed(headers, BAGGAGE);
        trace.tracestate = passed(headers, TRACESTATE);
        trace
    }

    /// The trace id: 32 hex digits.
    pub fn id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The `traceparent` to give to whatever this request causes.
    pub fn traceparent(&self) -> String {
        self.to_string()
    }

    /// The headers of an outgoing request of the same trace.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![(TRACEPARENT.to_owned(), self.traceparent())];
        headers.extend(self.tracestate.iter().map(|state| (TRACESTATE.to_owned(), state.clone())));
        headers.extend(self.baggage.iter().map(|baggage| (BAGGAGE.to_owned(), baggage.clone())));
        headers
    }

    /// Serves a request under this trace.
    pub async fn scope<T>(self, serve: impl Future<Output = T>) -> T {
        CURRENT.scope(self, serve).await
    }

    /// As [`Trace::scope`], for what waits for nothing.
    pub fn around<T>(self, act: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, act)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

/// The trace of the request being served by this task.
pub fn current() -> Option<Trace> {
    CURRENT.try_with(Trace::clone).ok()
}

/// The id of [`current`].
pub(crate) fn current_id() -> Option<String> {
    CURRENT.try_with(Trace::id).ok()
}

fn new_span() -> u64 {
    env::random() | 1
}

/// Lower-case hex of an exact length, as the specification demands.
fn hex<T: TryFrom<u128>>(text: &str, digits: usize) -> Option<T> {
    let fits = text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    T::try_from(fits.then(|| u128::from_str_radix(text, 16).ok())??).ok()
}

/// All values of a list header, joined; dropped when too long or not text.
fn passed(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str()).collect::<Result<_, _>>().ok()?;
    let joined = values.join(",");
    (!joined.is_empty() && joined.len() <= MAX_PASSED).then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_broken_traceparent_starts_a_new_trace() {
        let broken = [
            "",
            "00",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ];
        for text in broken {
            assert_eq!(Trace::parse(text), None, "{text}");
        }
        let later_version = format!("01{}-more", &GOOD[2..]);
        assert!(Trace::parse(&later_version).is_some());
    }

    #[test]
    fn baggage_is_passed_on_and_tracestate_only_with_its_trace() {
        let mut headers = HeaderMap::new();
        headers.insert(BAGGAGE, "tenant=a".parse().unwrap());
        headers.append(BAGGAGE, "tier=b".parse().unwrap());
        headers.insert(TRACESTATE, "vendor=1".parse().unwrap());
        let fresh = Trace::of(&headers).headers();
        assert!(fresh.contains(&("baggage".into(), "tenant=a,tier=b".into())));
        assert!(!fresh.iter().any(|(name, _)| name == TRACESTATE));

        headers.insert(TRACEPARENT, GOOD.parse().unwrap());
        let known = Trace::of(&headers).headers();
        assert!(known.contains(&("tracestate".into(), "vendor=1".into())));
        assert!(known[0].1.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    }
}
