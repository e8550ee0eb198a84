//! The socket under a connection. What the HTTP parser itself refuses it answers with a bare status; here that becomes
//! a problem+json like every other error.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::{Buf as _, Bytes};
use http::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::Holding;
use crate::{problem::Problem, trace::Trace};

/// A socket that rewrites the parser's own refusals.
pub struct Wire<S = TcpStream> {
    stream: S,
    /// An answer of ours is under way: what is written belongs to it.
    answering: Answering,
    /// What is written instead of a bare refusal.
    instead: Option<Bytes>,
    refuse: fn(StatusCode) -> Problem,
}

/// Whether somebody's answer is under way on a connection.
#[derive(Clone, Default)]
pub struct Answering(Arc<AtomicBool>);

/// Ends what an answer began.
struct Ends(Answering);

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Around a socket; `refuse` says what a refusal of the parser looks like.
    pub fn new(stream: S, answering: Answering, refuse: fn(StatusCode) -> Problem) -> Self {
        Self { stream, answering, instead: None, refuse }
    }

    /// What goes out instead of `bytes`, if they are the parser's refusal.
    fn rewritten(&self, bytes: &[u8]) -> Option<Bytes> {
        let status = (!self.answering.0.load(Ordering::Acquire)).then(|| bare_refusal(bytes)).flatten()?;
        // Nobody read under which trace it was asked; this one leads to a line of the log.
        let body = Trace::start().around(|| {
            tracing::info!(status = status.as_u16(), "a request was refused before it could be read");
            (self.refuse)(status).body()
        });
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        Some([head.as_bytes(), &body].concat().into())
    }

    /// Writes what goes out instead; until then nothing else is.
    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(instead) = self.instead.as_mut().filter(|instead| instead.has_remaining()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, instead))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            instead.advance(written);
        }
        self.instead = None;
        Poll::Ready(Ok(()))
    }

    /// True when `bytes` were replaced and that has been written.
    fn poll_replace(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<bool>> {
        if self.instead.is_none() {
            self.instead = self.rewritten(bytes);
        }
        if self.instead.is_none() {
            return Poll::Ready(Ok(false));
        }
        self.poll_instead(context).map_ok(|()| true)
    }
}

impl Answering {
    /// Somebody answers from now on until the body is sent or given up.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// The body of that answer.
    pub fn until_sent(&self, body: Body) -> Body {
        if hyper::body::Body::is_end_stream(&body) {
            self.0.store(false, Ordering::Release);
            return body;
        }
        Body::new(Holding::new(body, Ends(self.clone())))
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Release);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if ready!(self.poll_replace(context, bytes))? {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut full = slices.iter().filter(|slice| !slice.is_empty());
        if let (Some(bytes), None) = (full.next(), full.next())
            && ready!(self.poll_replace(context, bytes))?
        {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The status of a refusal that hyper's parser writes: a head with nothing behind it. Answers of ours always have a body
/// that says why.
fn bare_refusal(bytes: &[u8]) -> Option<StatusCode> {
    let text = std::str::from_utf8(bytes.get(..bytes.len().min(512))?).ok()?;
    let head = text.strip_prefix("HTTP/1.1 ").or_else(|| text.strip_prefix("HTTP/1.0 "))?;
    let status = head.get(..3).filter(|status| matches!(*status, "400" | "414" | "431"))?;
    let only_a_head = head.find("\r\n\r\n").is_some_and(|end| end + 4 == head.len());
    (only_a_head && head.contains("\r\ncontent-length: 0\r\n")).then(|| status.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_refusal_is_taken_for_one() {
        let bare =
            "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        assert_eq!(bare_refusal(bare.as_bytes()), Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
        for other in [
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 4",
            "",
        ] {
            assert_eq!(bare_refusal(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!(bare_refusal(&[0xff; 600]), None);
    }
}
