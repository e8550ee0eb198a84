//! Connections to instances, on which an answer is heard although the request could not be sent to its end.
//!
//! A service may refuse a request when it has read the head, say so and close. Whoever is still writing the body then
//! sees the connection reset, and a client that gives up at that moment never reads the answer, which lies in its own
//! buffer. So a broken way out is no error here: what is left of the body goes nowhere, and what counts is what is heard
//! on the way in. If nothing is, the connection ends there, and that is the error.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

/// Connects over TCP.
#[derive(Clone)]
pub(crate) struct Connector(pub(crate) HttpConnector);

/// A connection that goes on listening when it cannot speak any more.
pub(crate) struct Hearing {
    socket: TokioIo<TcpStream>,
    deaf: bool,
}

impl Service<Uri> for Connector {
    type Response = Hearing;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = BoxFuture<'static, Result<Hearing, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        self.0.call(to).map(|socket| Ok(Hearing { socket: socket?, deaf: false })).boxed()
    }
}

impl Connection for Hearing {
    fn connected(&self) -> Connected {
        self.socket.connected()
    }
}

impl Hearing {
    /// What writing came to, where the other side is gone: all was taken.
    fn gone<T>(&mut self, wrote: Poll<io::Result<T>>, all: T) -> Poll<io::Result<T>> {
        match wrote {
            Poll::Ready(Err(why)) if is_gone(&why) => {
                self.deaf = true;
                Poll::Ready(Ok(all))
            }
            other => other,
        }
    }
}

fn is_gone(why: &io::Error) -> bool {
    matches!(why.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

impl Read for Hearing {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, into)
    }
}

impl Write for Hearing {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.deaf {
            return Poll::Ready(Ok(bytes.len()));
        }
        let wrote = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.gone(wrote, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = slices.iter().map(|slice| slice.len()).sum();
        if self.deaf {
            return Poll::Ready(Ok(all));
        }
        let wrote = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.gone(wrote, all)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(context);
        self.gone(flushed, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.socket).poll_shutdown(context);
        self.gone(ended, ())
    }
}
