//! How the body of a request arrives, and what becomes of the part nobody reads.
//!
//! A service that refuses a request before it has read the body must not simply close: what still comes in would make
//! the machine reset the connection, and the client may lose the answer that was sent. So the answer leaves at once, and
//! the rest is read and thrown away, for a while.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{BoxError, response::Response};
use bytes::Bytes;
use futures::task::AtomicWaker;
use http::{HeaderValue, header, request::Parts};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::{sync::oneshot, time::timeout};

use crate::env;

/// The rest of a body is thrown away for so long at most, up to so many bytes, and while more of it comes.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 16 << 20;
const QUIET: Duration = Duration::from_secs(1);

const STILL: u8 = 0;
const AWAITED: u8 = 1;
const WHOLE: u8 = 2;
const BROKEN: u8 = 3;
const CUT: u8 = 4;

/// How far a request's body has come: an extension of every request that came over a connection and has a body.
///
/// Who waits for a body waits for the client; what is then too late is the client's fault, and nobody else's.
#[derive(Clone, Debug, Default)]
pub struct Arrival(Arc<State>);

#[derive(Debug, Default)]
struct State {
    now: AtomicU8,
    reader: AtomicWaker,
}

/// A request body that tells how it arrives, and that comes back when it is let go before its end.
pub(super) struct Arriving {
    body: Option<Incoming>,
    arrival: Arrival,
    home: Option<oneshot::Sender<Left>>,
    /// The client sends the body only when it is told to go on, and it was not.
    held_back: bool,
}

/// What was let go.
enum Left {
    Rest(Incoming),
    HeldBack,
}

/// What is done about the rest of a body once the answer is known.
pub(super) struct Rest(Option<oneshot::Receiver<Left>>);

impl Arrival {
    /// The client is waited for: what it has sent so far was read, and there must be more.
    pub fn is_awaited(&self) -> bool {
        self.0.now.load(Ordering::Acquire) == AWAITED
    }

    /// The body ended before its end: the client hung up, or sent what is no body.
    pub fn is_broken(&self) -> bool {
        self.0.now.load(Ordering::Acquire) == BROKEN
    }

    /// Notes what reading the body came to.
    pub fn note<T, E>(&self, read: &Poll<Option<Result<T, E>>>) {
        let now = match read {
            Poll::Pending => AWAITED,
            Poll::Ready(Some(Ok(_))) => STILL,
            Poll::Ready(None) => WHOLE,
            Poll::Ready(Some(Err(_))) => BROKEN,
        };
        let unless_cut = |was| (was != CUT).then_some(now);
        // It stays cut.
        let _ = self.0.now.fetch_update(Ordering::AcqRel, Ordering::Acquire, unless_cut);
    }

    /// Gives up waiting: whoever reads the body gets an error, so that nothing is done about a request that was answered
    /// 408. False when it has just come.
    pub(crate) fn cut(&self) -> bool {
        let cut = self.0.now.compare_exchange(AWAITED, CUT, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if cut {
            self.0.reader.wake();
        }
        cut
    }

    fn is_cut(&self) -> bool {
        self.0.now.load(Ordering::Acquire) == CUT
    }
}

impl Arriving {
    /// The body of a request, and what will be left of it. Nothing is tracked of a request without one.
    pub(super) fn of(head: &mut Parts, body: Incoming) -> (axum::body::Body, Rest) {
        if body.is_end_stream() {
            return (axum::body::Body::empty(), Rest(None));
        }
        let (home, rest) = oneshot::channel();
        let arrival = Arrival::default();
        head.extensions.insert(arrival.clone());
        let held_back = head.headers.contains_key(header::EXPECT);
        let body = Self { body: Some(body), arrival, home: Some(home), held_back };
        (axum::body::Body::new(body), Rest(Some(rest)))
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.held_back = false;
        self.arrival.0.reader.register(context.waker());
        if self.arrival.is_cut() {
            return Poll::Ready(Some(Err("the body did not arrive in time".into())));
        }
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let read = Pin::new(body).poll_frame(context);
        self.arrival.note(&read);
        if self.arrival.is_cut() {
            return Poll::Ready(Some(Err("the body did not arrive in time".into())));
        }
        let read = ready!(read);
        if matches!(read, None | Some(Err(_))) {
            self.body = None;
            self.home = None;
        }
        Poll::Ready(read.map(|read| read.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for Arriving {
    /// No I/O here: the rest goes to who waits for it.
    fn drop(&mut self) {
        let (Some(body), Some(home)) = (self.body.take(), self.home.take()) else { return };
        if !body.is_end_stream() {
            let _ = home.send(if self.held_back { Left::HeldBack } else { Left::Rest(body) });
        }
    }
}

impl Rest {
    /// Sees to it that the answer arrives although the client is still sending.
    pub(super) fn settle(self, answer: &mut Response) {
        let Some(mut left) = self.0 else { return };
        match left.try_recv() {
            Ok(Left::Rest(body)) => drop(env::spawn(throw_away(body))),
            // To ask for a body now only to throw it away would be silly; without it the connection cannot go on.
            Ok(Left::HeldBack) => {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Err(oneshot::error::TryRecvError::Closed) => {}
            // It is still being read; a gateway answers what its upstream has answered already.
            Err(oneshot::error::TryRecvError::Empty) => {
                env::spawn(async move {
                    if let Ok(Left::Rest(body)) = left.await {
                        throw_away(body).await;
                    }
                });
            }
        }
    }
}

/// Reads what comes and forgets it.
async fn throw_away(mut body: Incoming) {
    let all = async {
        let mut left = LINGER_BYTES;
        while let Ok(Some(Ok(frame))) = timeout(QUIET, body.frame()).await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(now) = left.checked_sub(length) else { return };
            left = now;
        }
    };
    // Too slow, or too much: whoever still writes and does not read will see the connection end.
    let _ = timeout(LINGER, all).await;
}
