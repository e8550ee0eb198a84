//! One line per request, when the last byte of its answer is sent, or whoever asked is gone.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bongsu_host::trace::Trace;
use bytes::{Buf as _, Bytes};
use http::{Method, StatusCode, Version, request};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use crate::filter::{Exchange, Filter, Flow, Who};

/// Says of every request who asked what, how it was answered and by whom, how long that took, and how much went to and fro. Of an
/// address only its path, without the query, which may hold what nobody should read.
pub struct AccessLog;

/// What is said, once the answer is sent.
struct Line {
    asked: (Method, String),
    version: Version,
    peer: SocketAddr,
    who: Who,
    service: Option<String>,
    route: Option<String>,
    instance: Option<SocketAddr>,
    trace: Trace,
    began: Instant,
    first: Instant,
    received: u64,
    status: StatusCode,
}

/// The body of an answer, counted.
struct Logged {
    body: Body,
    line: Option<Line>,
    sent: u64,
    is_whole: bool,
}

impl Filter for AccessLog {
    fn name(&self) -> &'static str {
        "access-log"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        // What nobody would read is not written.
        exchange.is_logged = tracing::enabled!(target: "access", tracing::Level::WARN).then_some(request.version);
        Flow::Continue
    }
}

/// The answer, which is logged when it is sent if its request is logged at all.
pub(crate) fn logged(answer: Response, exchange: Exchange) -> Response {
    let Some(version) = exchange.is_logged else { return answer };
    let line = Line {
        asked: exchange.asked,
        version,
        peer: exchange.peer,
        who: exchange.who,
        service: exchange.service,
        route: exchange.route,
        instance: exchange.instance,
        trace: exchange.trace,
        began: exchange.began,
        first: Instant::now(),
        received: exchange.received,
        status: answer.status(),
    };
    let is_head = line.asked.0 == Method::HEAD;
    answer.map(|body| {
        if body.is_end_stream() {
            line.say(0, true);
            return body;
        }
        Body::new(Logged { body, line: Some(line), sent: 0, is_whole: is_head })
    })
}

impl Line {
    fn say(self, sent: u64, is_whole: bool) {
        let trace = self.trace.clone();
        trace.around(|| self.write(sent, is_whole));
    }

    fn write(self, sent: u64, is_whole: bool) {
        let (method, path, status) = (self.asked.0.as_str(), self.asked.1.as_str(), self.status.as_u16());
        let ms = millis(self.began, Instant::now());
        let first_ms = millis(self.began, self.first);
        let (upstream, route) = (self.service.as_deref().unwrap_or("-"), self.route.as_deref().unwrap_or("-"));
        let instance = self.instance.map_or_else(|| "-".to_owned(), |instance| instance.to_string());
        let consumer = consumer(&self.who);
        let (protocol, peer, received) = (self.version, self.peer.ip(), self.received);
        if status >= 500 {
            tracing::warn!(
                target: "access",
                method, path, status, ms, first_ms, consumer, route, upstream, instance, received, sent, is_whole,
                ?protocol, %peer, "request"
            );
        } else {
            tracing::info!(
                target: "access",
                method, path, status, ms, first_ms, consumer, route, upstream, instance, received, sent, is_whole,
                ?protocol, %peer, "request"
            );
        }
    }
}

/// By the opaque name services know him by.
fn consumer(who: &Who) -> &str {
    match who {
        Who::Person(who) => &who.name,
        Who::Visitor(who) => who.visitor.as_deref().unwrap_or(&who.name),
        Who::Operator => "operator",
        Who::Process(name) => name,
        Who::Nobody => "-",
    }
}

/// With one digit behind the point.
fn millis(from: Instant, to: Instant) -> f64 {
    (to.saturating_duration_since(from).as_secs_f64() * 10_000.0).round() / 10.0
}

impl Drop for Logged {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            line.say(self.sent, self.is_whole || self.body.is_end_stream());
        }
    }
}

impl HttpBody for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Ready(Some(Ok(frame))) => self.sent += frame.data_ref().map_or(0, |data| data.remaining() as u64),
            Poll::Ready(None) => self.is_whole = true,
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
