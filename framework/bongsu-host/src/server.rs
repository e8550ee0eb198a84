//! Listens, serves, and ends without losing a request.
//!
//! `axum::serve` is not used: it sets no header timeout, so one client that never finishes its head would
//! hold a connection for ever (slowloris).

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, FromRequestParts},
    response::Response,
};
use http::{HeaderValue, StatusCode, Version, header, request::Parts};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use tower::ServiceExt as _;

use crate::{
    config::{Config, Limits},
    env,
    head::{Nameless, PARSED_LINES},
    health::Health,
    problem::Problem,
    stop::Stop,
};

mod arrival;
mod holding;
mod http2;
mod taking;
mod wire;

pub use arrival::Arrival;
use arrival::Arriving;
pub use holding::Holding;
use taking::Clocked;
pub use wire::{Answering, Wire};

/// Connections refused politely at once; more are closed without a word.
const POLITE: usize = 64;
/// Pause after the machine could not accept a connection (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What a connection over the limit reads.
const FULL: &str = concat!(
    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n",
    "connection: close\r\ncontent-length: 80\r\n\r\n",
    r#"{"type":"/errors/overloaded","title":"Too many connections","status":503       }"#,
);

/// A listener that has its address but serves nobody yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    addr: SocketAddr,
}

/// The address cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}")]
pub struct BindError {
    addr: SocketAddr,
    #[source]
    source: std::io::Error,
}

/// What every connection needs.
#[derive(Clone)]
struct Serving {
    app: Router,
    limits: Limits,
    draining: Draining,
    /// Whether whoever asks once more is to come on another connection.
    closing: watch::Receiver<bool>,
    /// So long he may do that once more on this one.
    linger: Duration,
    tls: Option<TlsAcceptor>,
}

/// Marks a request that came over TLS.
#[derive(Clone, Copy, Debug)]
pub struct Secured;

/// What HTTP/2 is called when a protocol is agreed upon (RFC 9113, section 3.2).
const H2: &[u8] = b"h2";

/// Tells a handler that streams for long when to end its stream: otherwise it is cut off at the deadline.
///
/// An extractor; also an extension of every request.
#[derive(Clone, Debug)]
pub struct Draining(watch::Receiver<bool>);

/// Takes an address.
///
/// # Errors
/// [`BindError`] when it is in use or not ours.
pub async fn bind(addr: SocketAddr) -> Result<Bound, BindError> {
    let bound = async {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        Ok(Bound { listener, addr })
    };
    bound.await.map_err(|source| BindError { addr, source })
}

/// Takes a socket that listens already, as whoever started this process handed it over.
///
/// # Errors
/// When it has no address, or the runtime cannot have it.
pub fn adopt(listener: std::net::TcpListener) -> std::io::Result<Bound> {
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    Ok(Bound { listener: TcpListener::from_std(listener)?, addr })
}

impl Bound {
    /// The address, with the port the machine chose if 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until asked to stop; then: unready, a short wait so that callers go elsewhere, no new
    /// connections, and the requests in flight end or are cut off at the deadline.
    pub async fn serve(self, app: Router, config: &Config, health: &Health, stop: &Stop) {
        self.serve_over(None, app, config, health, stop).await;
    }

    /// The same over TLS, and over HTTP/2 where both sides know it. Its requests have [`Secured`] among their extensions.
    pub async fn serve_tls(self, tls: Arc<ServerConfig>, app: Router, config: &Config, health: &Health, stop: &Stop) {
        self.serve_over(Some(tls.into()), app, config, health, stop).await;
    }

    async fn serve_over(self, tls: Option<TlsAcceptor>, app: Router, config: &Config, health: &Health, stop: &Stop) {
        let (drain, draining) = watch::channel(false);
        let (close, closing) = watch::channel(false);
        let linger = Duration::from_millis(config.shutdown.linger_ms);
        let serving =
            Serving { app, limits: config.limits.clone(), draining: Draining(draining), closing, linger, tls };
        let mut connections = JoinSet::new();
        let ending = async {
            let why = stop.asked().await;
            tracing::info!(reason = why, "stopping");
            health.stopping();
            // Said before anything is closed: whoever is about to ask on a connection would lose what he asks.
            close.send_replace(true);
            tokio::time::sleep(Duration::from_millis(config.shutdown.unready_ms)).await;
        };
        tokio::select! {
            biased;
            () = ending => {}
            () = accept(&self.listener, &serving, &mut connections) => {}
        }
        drop(self.listener);
        drain.send_replace(true);
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if timeout(Duration::from_millis(config.shutdown.drain_ms), all_ended).await.is_err() {
            tracing::warn!(connections = connections.len(), "requests were cut off at the drain deadline");
            connections.shutdown().await;
        }
    }
}

/// Takes connections for ever.
async fn accept(listener: &TcpListener, serving: &Serving, connections: &mut JoinSet<()>) {
    let free = Arc::new(Semaphore::new(serving.limits.max_connections.min(Semaphore::MAX_PERMITS)));
    let polite = Arc::new(Semaphore::new(POLITE));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(reason = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let _ = stream.set_nodelay(true);
        if let Ok(permit) = Arc::clone(&free).try_acquire_owned() {
            connections.spawn(serving.clone().connection(stream, peer, permit));
        } else if let (Ok(permit), None) = (Arc::clone(&polite).try_acquire_owned(), &serving.tls) {
            env::spawn(refuse(stream, permit));
        }
    }
}

impl Draining {
    /// Resolves when the process has begun to drain.
    pub async fn begun(&mut self) {
        // An error means that the server itself is gone.
        let _ = self.0.wait_for(|begun| *begun).await;
    }
}

impl<S: Sync> FromRequestParts<S> for Draining {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(Problem::internal)
    }
}

impl Serving {
    async fn connection(self, stream: TcpStream, peer: SocketAddr, _permit: OwnedSemaphorePermit) {
        let patience = self.limits.send_timeout();
        let Some(tls) = &self.tls else { return self.http1(Clocked::new(stream, patience), peer).await };
        // Whoever is slow to shake hands is as slow to ask.
        let agreed = timeout(self.limits.header_timeout(), tls.accept(stream)).await;
        match agreed {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(H2) => {
                self.http2(Clocked::new(stream, patience), peer).await;
            }
            Ok(Ok(stream)) => self.http1(Clocked::new(stream, patience), peer).await,
            Ok(Err(error)) => tracing::debug!(reason = %error, %peer, "nothing was agreed upon"),
            Err(_) => tracing::debug!(%peer, "shaking hands took too long"),
        }
    }

    /// What every request of a connection is given.
    fn mark<B>(&self, request: &mut hyper::Request<B>, peer: SocketAddr) {
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(peer));
        extensions.insert(self.draining.clone());
        if self.tls.is_some() {
            extensions.insert(Secured);
        }
    }

    async fn http1<S>(self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (limits, mut draining) = (self.limits.clone(), self.draining.clone());
        let linger = self.linger;
        let answering = Answering::default();
        let wire = Wire::new(stream, answering.clone(), Problem::of_status);
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            self.mark(&mut request, peer);
            let answered = answer(self.app.clone(), request, answering.clone());
            let closing = self.closing.clone();
            async move { answered.await.map(|answer| last_of(answer, *closing.borrow())) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout())
            // Twice the limit, so that a head just over it reaches the middleware and gets a problem+json;
            // beyond that hyper itself answers, and the wire says why. 8 192 is hyper's minimum.
            .max_buf_size(limits.header_bytes.saturating_mul(2).max(8_192))
            .max_headers(PARSED_LINES)
            .serve_connection(TokioIo::new(wire), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = draining.begun() => match timeout(linger, connection.as_mut()).await {
                Ok(ended) => ended,
                Err(_) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            },
        };
        if let Err(error) = ended {
            tracing::debug!(reason = %error, %peer, "a connection ended early");
        }
    }
}

/// The answer, which says that it is the last of its connection, where it is.
fn last_of(mut answer: Response, is_last: bool) -> Response {
    if is_last && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// Serves one request of a connection; the answer arrives also if it was given before the whole body came.
pub async fn answer(
    app: Router,
    request: hyper::Request<Incoming>,
    answering: Answering,
) -> Result<Response, Infallible> {
    answering.begin();
    let (mut head, body) = request.into_parts();
    if head.version == Version::HTTP_11 && !head.headers.contains_key(header::HOST) {
        head.extensions.insert(Nameless);
    }
    let (body, rest) = Arriving::of(&mut head, body);
    let answer = app.oneshot(hyper::Request::from_parts(head, body)).await;
    let mut answer = answer.unwrap_or_else(|never| match never {});
    rest.settle(&mut answer);
    Ok(answer.map(|body| answering.until_sent(body)))
}

/// Says 503 to a connection over the limit, after its head arrived: closing with unread bytes would reset it.
async fn refuse(mut stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let polite = async {
        let mut head = [0; 4_096];
        let _ = stream.read(&mut head).await;
        let _ = stream.write_all(FULL.as_bytes()).await;
        let _ = stream.shutdown().await;
    };
    let _ = timeout(Duration::from_millis(500), polite).await;
}
