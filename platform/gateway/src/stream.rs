//! A stream of server-sent events on its way: it ends with its service, when the gateway drains, and when whoever reads it is
//! let in no more. Then its last event says so, and nothing of the service follows.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bongsu_host::server::Draining;
use bytes::Bytes;
use http::header;
use hyper::body::{Body as HttpBody, Frame, Incoming};
use tokio::time::Sleep;

use crate::lease::Over;
use crate::streams::Place;

/// So long an event that has begun may take to be whole, when nothing may follow it.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest end of a line, twice.
const END: usize = 4;

pub(crate) struct Stream {
    body: Incoming,
    draining: Option<Later<()>>,
    over: Option<Later<Over>>,
    ending: Ending,
    sent: Tail,
    /// Whether an event of ours can stand in it: not where its length is told, or its bytes are compressed.
    is_plain: bool,
    _place: Place,
}

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum Ending {
    Open,
    /// As soon as an event is whole; at the latest when that time is over.
    Soon(Bytes, Pin<Box<Sleep>>),
    Said,
}

/// The last bytes that were sent.
#[derive(Default)]
struct Tail {
    bytes: [u8; END],
    has_sent: bool,
}

impl Stream {
    /// The answer with such a body.
    pub(crate) fn of(
        answer: http::Response<Incoming>,
        place: Place,
        draining: Option<Draining>,
        over: Option<impl Future<Output = Over> + Send + 'static>,
    ) -> Response {
        let headers = answer.headers();
        let is_plain = !headers.contains_key(header::CONTENT_LENGTH) && !headers.contains_key(header::CONTENT_ENCODING);
        answer.map(|body| {
            let draining = draining.map(|mut draining| Box::pin(async move { draining.begun().await }) as Later<()>);
            let over = over.map(|over| Box::pin(over) as Later<Over>);
            let sent = Tail::default();
            Body::new(Self { body, draining, over, ending: Ending::Open, sent, is_plain, _place: place })
        })
    }

    /// Looks whether it is over, and whether that can be said now.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(Poll::Ready(why)) = self.over.as_mut().map(|over| over.as_mut().poll(context)) {
            self.over = None;
            tracing::info!(reason = ?why, "a stream ends with what it was opened by");
            let said = if self.is_plain { why.event() } else { Bytes::new() };
            self.ending = Ending::Soon(said, Box::pin(tokio::time::sleep(PATIENCE)));
        }
        let said = match &mut self.ending {
            Ending::Open => return Poll::Pending,
            Ending::Said => return Poll::Ready(None),
            Ending::Soon(said, _) if self.sent.is_between() => Some(std::mem::take(said)),
            Ending::Soon(_, patience) => {
                ready!(patience.as_mut().poll(context));
                None
            }
        };
        self.ending = Ending::Said;
        Poll::Ready(said.filter(|said| !said.is_empty()))
    }
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Poll::Ready(said) = self.poll_over(context) {
            return Poll::Ready(said.map(|said| Ok(Frame::data(said))));
        }
        // What has arrived is passed on before the gateway's own end.
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            self.sent.note(frame.data_ref());
        }
        match self.draining.as_mut() {
            Some(draining) if frame.is_pending() => draining.as_mut().poll(context).map(|()| None),
            _ => frame,
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.ending, Ending::Said) || self.body.is_end_stream()
    }
}

impl Tail {
    fn note(&mut self, data: Option<&Bytes>) {
        let Some(data) = data.filter(|data| !data.is_empty()) else { return };
        self.has_sent = true;
        let new = &data[data.len().saturating_sub(END)..];
        self.bytes.copy_within(new.len().., 0);
        self.bytes[END - new.len()..].copy_from_slice(new);
    }

    /// Whether no event has begun that is not whole.
    fn is_between(&self) -> bool {
        !self.has_sent || [&b"\n\n"[..], b"\n\r\n", b"\r\r"].iter().any(|end| self.bytes.ends_with(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_whole_at_an_empty_line_however_lines_end_and_bytes_come() {
        let after = |pieces: &[&str]| {
            let mut tail = Tail::default();
            pieces.iter().for_each(|piece| tail.note(Some(&Bytes::copy_from_slice(piece.as_bytes()))));
            tail.is_between()
        };
        for whole in
            [&[][..], &["data: 1\n\n"], &["data: 1\r\n\r\n"], &["data: 1\r\r"], &["data: 1\n", "", "\n"], &[": x\n\n"]]
        {
            assert!(after(whole), "{whole:?}");
        }
        for begun in [&["data: 1\n"][..], &["data: 1\r\n"], &["d"], &["\n\n", "d"], &["a\n\n", "data: 1\n"], &["\r\n"]]
        {
            assert!(!after(begun), "{begun:?}");
        }
        assert!(after(&["d", "a", "t", "a", "\r", "\n", "\r", "\n"]));
    }
}
