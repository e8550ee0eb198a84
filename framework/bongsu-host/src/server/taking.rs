//! Clocks for answers that nobody takes: whoever asks and then does not read would hold a place for as long as he stays.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// It is looked so often while the patience lasts: an answer ends at most a quarter too late.
const LOOKS: u32 = 4;
/// So much of an answer is given at once: whoever takes less of it in all his patience takes nothing. A frame of HTTP/2.
const PIECE: usize = 16 << 10;

/// A connection whose writes fail when the other side takes nothing for too long.
pub(super) struct Clocked<S> {
    stream: S,
    patience: Duration,
    /// Runs while something waits to be taken.
    clock: Option<Pin<Box<Sleep>>>,
}

/// The answers of a connection of HTTP/2, each of which has a window of its own: the connection may be well while one waits.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Vec<Weak<Mutex<Waiting>>>>>);

struct Waiting {
    /// Gone when nobody took it.
    body: Option<Body>,
    /// What came of it at once and is given piece by piece.
    rest: Bytes,
    /// Since when what was given waits to be taken.
    waits: Option<Instant>,
}

/// The body of an answer, which may be ended from outside.
struct Watched(Arc<Mutex<Waiting>>);

impl<S> Clocked<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, clock: None }
    }

    /// What a write came to, or that it has waited for too long.
    fn timed<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.clock = None;
            return written;
        }
        let patience = self.patience;
        let clock = self.clock.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(clock.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing of an answer is taken")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Clocked<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Clocked<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.timed(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.timed(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.timed(context, shut)
    }
}

impl Answers {
    /// The body of an answer, from now on by the clock.
    pub(super) fn watch(&self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        let answer = Arc::new(Mutex::new(Waiting { body: Some(body), rest: Bytes::new(), waits: None }));
        let mut known = locked(&self.0);
        if known.len() == known.capacity() {
            known.retain(|answer| answer.strong_count() > 0);
        }
        known.push(Arc::downgrade(&answer));
        Body::new(Watched(answer))
    }

    /// After a while ends what is not taken within that time; whether there was something.
    pub(super) async fn look(&self, patience: Duration) -> bool {
        sleep((patience / LOOKS).max(Duration::from_millis(1))).await;
        let mut known = locked(&self.0);
        known.retain(|answer| answer.strong_count() > 0);
        let answers: Vec<Arc<Mutex<Waiting>>> = known.iter().filter_map(Weak::upgrade).collect();
        drop(known);
        // What a body holds is let go outside of every lock.
        let ended: Vec<Body> = answers.iter().filter_map(|answer| locked(answer).end(patience)).collect();
        !ended.is_empty()
    }
}

impl Waiting {
    fn end(&mut self, patience: Duration) -> Option<Body> {
        let is_late = self.waits.is_some_and(|since| since.elapsed() >= patience);
        if is_late { self.body.take() } else { None }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Some(Err("nobody took it".into()))) };
        if self.rest.is_empty() {
            let frame = ready!(Pin::new(body).poll_frame(context)).transpose()?;
            match frame.map(Frame::into_data) {
                Some(Ok(data)) => self.rest = data,
                Some(Err(other)) => return Poll::Ready(Some(Ok(other))),
                None => return Poll::Ready(None),
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut answer = locked(&self.0);
        // Whoever asks for more has sent what there was.
        answer.waits = None;
        let frame = ready!(answer.poll_next(context));
        answer.waits = Some(Instant::now());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let answer = locked(&self.0);
        answer.rest.is_empty() && answer.body.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let answer = locked(&self.0);
        let body = answer.body.as_ref().map(HttpBody::size_hint).unwrap_or_default();
        let rest = answer.rest.len() as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_write_fails_when_nothing_is_taken_and_not_when_a_little_is_now_and_then() {
        let (mut far, near) = duplex(1);
        let mut near = Clocked::new(near, PATIENCE);
        let began = Instant::now();
        let slowly = async {
            for _ in 0..10 {
                sleep(PATIENCE / 2).await;
                far.read_u8().await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(near.write_all(&[7; 10]), slowly);
        written.unwrap();
        assert!(began.elapsed() > 4 * PATIENCE);
        let began = Instant::now();
        let failed = near.write_all(&[7; 10]).await.unwrap_err();
        assert_eq!((failed.kind(), began.elapsed() < 2 * PATIENCE), (io::ErrorKind::TimedOut, true));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_when_nobody_asks_for_the_rest_and_not_while_there_is_nothing_to_give() {
        let answers = Answers::default();
        let (held, holds) = tokio::sync::oneshot::channel::<()>();
        let body = Body::from_stream(futures::stream::iter(["a", "b"].map(Ok::<_, io::Error>)));
        let mut body = answers.watch(Body::new(super::super::Holding::new(body, held)));
        let silent = Body::from_stream(futures::stream::pending::<io::Result<Bytes>>());
        let mut silent = answers.watch(silent);
        assert!(silent.frame().now_or_never().is_none());
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        let began = Instant::now();
        while !answers.look(PATIENCE).await {}
        assert!((PATIENCE..2 * PATIENCE).contains(&began.elapsed()), "{:?}", began.elapsed());
        assert!(holds.await.is_err(), "what it held is let go");
        assert!(body.frame().await.unwrap().is_err());
        drop(body);
        for _ in 0..10 * LOOKS {
            assert!(!answers.look(PATIENCE).await);
        }
        assert!(silent.frame().now_or_never().is_none(), "who waits for its service is not ended");
    }
}
