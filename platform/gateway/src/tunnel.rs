//! WebSockets (RFC 6455): a request that asks for one passes every filter, and then the two connections are joined. What is said on
//! it is nobody's business here; but it ends when whoever opened it is let in no more, when nothing is said for too long, and when the gateway
//! drains, and then whoever opened it is told why.

use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::response::Response;
use bongsu_host::problem::Problem;
use bongsu_host::server::Draining;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request};
use hyper::body::Incoming;
use hyper::rt::Executor as _;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf, ReadHalf, WriteHalf, copy, split};
use tokio::time::{Instant, sleep_until, timeout};

use crate::lease::{ENDED, Over};
use crate::streams::Place;

/// The one protocol that is changed to.
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADE: HeaderValue = HeaderValue::from_static("upgrade");
/// Whoever does not take the last frame by then, or does not close when the other side has, is cut off.
const LAST_WORD: Duration = Duration::from_secs(1);
/// RFC 6455, section 7.4.1.
const GOING_AWAY: u16 = 1001;
const POLICY: u16 = 1008;

/// What it takes to change the protocol of a connection, if that is asked for. The lines that ask are left to be taken out.
pub(crate) fn asked(head: &mut request::Parts) -> Option<OnUpgrade> {
    let says = |name, word: &str| {
        let lines = head.headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|said| said.trim().eq_ignore_ascii_case(word))
    };
    let is_asked = head.method == Method::GET
        && head.version == Version::HTTP_11
        && says(header::CONNECTION, "upgrade")
        && says(header::UPGRADE, "websocket")
        && head.headers.contains_key(header::SEC_WEBSOCKET_KEY);
    head.extensions.remove::<OnUpgrade>().filter(|_| is_asked)
}

/// Asks for it, or says that it is done.
pub(crate) fn ask(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, UPGRADE);
    headers.insert(header::UPGRADE, WEBSOCKET);
}

/// Until when a tunnel is open.
pub(crate) struct Terms<F> {
    pub(crate) over: Option<F>,
    pub(crate) draining: Option<Draining>,
    pub(crate) idle: Duration,
    pub(crate) place: Place,
}

/// The answer that changes the protocol; the two ends are joined behind it.
pub(crate) fn join<F>(client: OnUpgrade, mut answer: http::Response<Incoming>, terms: Terms<F>) -> Response
where
    F: Future<Output = Over> + Send + 'static,
{
    let is_websocket =
        answer.headers().get(header::UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let service = answer.extensions_mut().remove::<OnUpgrade>().filter(|_| is_websocket);
    let Some(service) = service else { return unasked() };
    let (mut head, _) = answer.into_parts();
    ask(&mut head.headers);
    // A connection's own task, as the server's are.
    TokioExecutor::new().execute(async move {
        let Terms { over, draining, idle, place } = terms;
        // The client's end is there when it has been told.
        match (client.await, service.await) {
            (Ok(client), Ok(service)) => carry(client, service, over, draining, idle).await,
            (Err(why), _) | (_, Err(why)) => tracing::debug!(reason = %why, "a tunnel was not opened"),
        }
        drop(place);
    });
    Response::from_parts(head, axum::body::Body::empty())
}

/// A service that changes to what nobody asked for.
pub(crate) fn unasked() -> Response {
    use axum::response::IntoResponse as _;
    Problem::new(StatusCode::BAD_GATEWAY, "upstream-garbage", "The service gave no answer")
        .detail("The service changed to a protocol that nobody asked for.")
        .into_response()
}

async fn carry<F: Future<Output = Over>>(
    client: Upgraded,
    service: Upgraded,
    over: Option<F>,
    draining: Option<Draining>,
    idle: Duration,
) {
    let last: Arc<Mutex<Instant>> = Arc::new(Mutex::new(Instant::now()));
    let client = Watched { io: TokioIo::new(client), last: Arc::clone(&last), frames: Frames::default() };
    let service = Watched { io: TokioIo::new(service), last: Arc::clone(&last), frames: Frames::default() };
    let (mut heard, mut said) = split(client);
    let (mut answers, mut asks) = split(service);
    let (code, why) = tokio::select! { biased;
        _ = or_never(over) => (POLICY, ENDED),
        () = or_never(draining.map(|mut draining| async move { draining.begun().await })) => (GOING_AWAY, "restarting"),
        () = quiet(&last, idle) => (GOING_AWAY, "idle"),
        () = first_and_a_moment(one_way(&mut heard, &mut asks), one_way(&mut answers, &mut said)) => return,
    };
    tracing::info!(reason = why, "a tunnel is closed");
    let mut client = heard.unsplit(said);
    let close = close_frame(code, why);
    let say = async {
        if client.frames.is_between() {
            client.io.write_all(&close).await?;
        }
        client.io.shutdown().await
    };
    // Whoever is gone need not hear it.
    drop(timeout(LAST_WORD, say).await);
}

/// To the end of what is said there, which is passed on.
async fn one_way(from: &mut ReadHalf<Watched>, to: &mut WriteHalf<Watched>) {
    drop(copy(from, to).await);
    drop(to.shutdown().await);
}

/// Whoever has closed his side hears the other's last word, but waits no longer for it.
async fn first_and_a_moment(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    tokio::select! {
        () = &mut one => drop(timeout(LAST_WORD, other).await),
        () = &mut other => drop(timeout(LAST_WORD, one).await),
    }
}

async fn or_never<F: Future>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// Waits until nothing was said for so long.
async fn quiet(last: &Mutex<Instant>, idle: Duration) {
    loop {
        let ends = *last.lock().unwrap_or_else(PoisonError::into_inner) + idle;
        if ends <= Instant::now() {
            return;
        }
        sleep_until(ends).await;
    }
}

/// RFC 6455, sections 5.2 and 5.5.1: whole, unmasked, with a code and a reason.
fn close_frame(code: u16, why: &str) -> Vec<u8> {
    let length = u8::try_from(2 + why.len()).unwrap_or(2);
    let mut frame = vec![0x88, length];
    frame.extend(code.to_be_bytes());
    frame.extend(why.as_bytes());
    frame
}

/// One end, and when something was heard or said on it.
struct Watched {
    io: TokioIo<Upgraded>,
    last: Arc<Mutex<Instant>>,
    /// Of what was written here.
    frames: Frames,
}

impl Watched {
    fn note(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_read(context, into))?;
        self.note();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(context, bytes))?;
        self.frames.note(&bytes[..written]);
        self.note();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// Where a frame ends (RFC 6455, section 5.2): a frame of ours must not stand in the midst of one.
#[derive(Default)]
struct Frames {
    /// The head of a frame that is not whole yet.
    head: Vec<u8>,
    /// What is left of a body.
    left: u64,
}

impl Frames {
    fn note(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let body = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
            self.left -= body as u64;
            bytes = &bytes[body..];
            if let (0, [first, rest @ ..]) = (self.left, bytes) {
                self.head.push(*first);
                bytes = rest;
                if let Some(length) = length(&self.head) {
                    self.head.clear();
                    self.left = length;
                }
            }
        }
    }

    fn is_between(&self) -> bool {
        self.left == 0 && self.head.is_empty()
    }
}

/// How long the rest of a frame is, its mask included, once its head is whole.
fn length(head: &[u8]) -> Option<u64> {
    let [_, second, extended @ ..] = head else { return None };
    let length = match second & 0x7f {
        126 => u16::from_be_bytes(extended.try_into().ok()?).into(),
        127 => u64::from_be_bytes(extended.try_into().ok()?),
        short => short.into(),
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    Some(u64::saturating_add(length, mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize, masked: bool) -> Vec<u8> {
        let mask: u8 = if masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match length {
            0..126 => frame.push(mask | length as u8),
            126..65_536 => {
                frame.push(mask | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.resize(frame.len() + length + if masked { 4 } else { 0 }, 7);
        frame
    }

    #[test]
    fn a_frame_ends_where_it_says_however_it_comes() {
        for masked in [false, true] {
            for length in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
                let frame = frame(length, masked);
                for piece in [1, 2, 3, 1_000, frame.len()] {
                    let mut frames = Frames::default();
                    let mut done = 0;
                    for bytes in frame.chunks(piece) {
                        frames.note(bytes);
                        done += bytes.len();
                        assert_eq!(frames.is_between(), done == frame.len(), "{length} {piece} {done}");
                    }
                }
            }
        }
        let mut frames = Frames::default();
        frames.note(&[frame(3, false), frame(0, false), frame(200, false)].concat());
        assert!(frames.is_between());
        frames.note(&[0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
        assert!(!frames.is_between(), "one that says it never ends");
    }

    #[test]
    fn a_close_frame_says_why() {
        assert_eq!(close_frame(1001, "idle"), [0x88, 6, 0x03, 0xe9, b'i', b'd', b'l', b'e']);
    }
}
