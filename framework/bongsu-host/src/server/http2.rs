//! HTTP/2 (RFC 9113) over TLS. Behind it everything sees a request as HTTP/1.1 would bring it.
//!
//! Many requests share a connection, so each limit is one of the connection: how many at once, how large a head, how much of
//! bodies nobody has read yet. Whoever opens streams only to reset them is hung up on (hyper counts those that are not taken yet).

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{body::Body, response::Response};
use http::{HeaderValue, Uri, header, request::Parts};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until, timeout},
};

use super::{Answering, Holding, Serving, answer, taking::Answers};
use crate::{config::Limits, head::Nameless};

/// Requests at once on one connection: more than a page asks for at once.
const STREAMS: u32 = 128;
/// Streams that were reset before anybody took them; one more, and it is hung up. As hyper has it, said here.
const RESETS: usize = 20;
/// What may lie unread of one body, and of all of a connection.
const WINDOW: u32 = 64 << 10;
const WINDOWS: u32 = 256 << 10;
/// What of an answer may wait for whoever reads slowly.
const UNSENT: usize = 64 << 10;
/// Nobody asks anything for so long: longer than a page is looked at between two clicks.
const IDLE: Duration = Duration::from_secs(60);

/// How many requests of a connection are under way, and since when there are none.
#[derive(Clone)]
struct Work(Arc<Mutex<(usize, Instant)>>);

/// An answer under way.
struct UnderWay(Work);

impl Serving {
    pub(super) async fn http2<S>(self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (limits, mut draining) = (self.limits.clone(), self.draining.clone());
        let work = Work::new();
        let answers = Answers::default();
        let (counted, watched) = (work.clone(), answers.clone());
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            self.mark(&mut request, peer);
            let (mut head, body) = request.into_parts();
            as_http1(&mut head);
            let under_way = counted.begin();
            let answered = answer(self.app.clone(), hyper::Request::from_parts(head, body), Answering::default());
            let watched = watched.clone();
            async move { answered.await.map(|answer| under_way.until_sent(answer).map(|body| watched.watch(body))) }
        });
        let connection = bounded(&limits).serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = draining.begun() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = work.idle(limits.header_timeout()) => {
                connection.as_mut().graceful_shutdown();
                // Nothing is under way: whoever does not let go is let go.
                timeout(limits.header_timeout(), connection).await.unwrap_or(Ok(()))
            }
            () = async { while !answers.look(limits.send_timeout()).await {} } => {
                tracing::debug!(%peer, "nothing of an answer is taken");
                connection.as_mut().graceful_shutdown();
                // What else is under way goes on by the same clock; when nothing is, only what nobody takes is left.
                tokio::select! {
                    biased;
                    ended = connection => ended,
                    () = async { while work.is_any() { answers.look(limits.send_timeout()).await; } } => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(reason = %error, %peer, "a connection ended early");
        }
    }
}

/// The protocol, with an end to everything that a connection may ask for.
fn bounded(limits: &Limits) -> http2::Builder<TokioExecutor> {
    // Twice the limit: a head just over it is told why.
    let head = u32::try_from(limits.header_bytes.saturating_mul(2)).unwrap_or(u32::MAX);
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_header_list_size(head)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOWS)
        .max_send_buf_size(UNSENT)
        // Whoever is gone without a word is found out.
        .keep_alive_interval(IDLE / 2)
        .keep_alive_timeout(limits.header_timeout());
    http2
}

/// As HTTP/1.1 has it: whom it is for stands in `Host` (RFC 9113, section 8.3.1), and cookies in one line (section 8.2.3).
fn as_http1(head: &mut Parts) {
    let authority = head.uri.authority().and_then(|authority| HeaderValue::try_from(authority.as_str()).ok());
    match (authority, head.headers.get(header::HOST)) {
        (Some(authority), Some(host)) if *host != authority => drop(head.extensions.insert(Nameless)),
        (None, None) => drop(head.extensions.insert(Nameless)),
        (Some(authority), _) => drop(head.headers.insert(header::HOST, authority)),
        (None, Some(_)) => {}
    }
    if let Some(target) = head.uri.path_and_query() {
        head.uri = Uri::from(target.clone());
    }
    let cookies: Vec<&[u8]> = head.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1 {
        // Each of them was a value, so all of them are.
        if let Ok(line) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
            head.headers.insert(header::COOKIE, line);
        }
    }
}

impl Work {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((0, Instant::now()))))
    }

    fn is_any(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 > 0
    }

    fn begin(&self) -> UnderWay {
        self.change(|under_way| under_way + 1);
        UnderWay(self.clone())
    }

    fn change(&self, how: impl Fn(usize) -> usize) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = (how(now.0), Instant::now());
    }

    /// Resolves when nothing was under way for too long: for `first` at the beginning.
    async fn idle(&self, first: Duration) {
        let began = Instant::now();
        loop {
            let (under_way, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let patience = if since <= began { first } else { IDLE };
            let until = since + patience;
            match (under_way, until <= Instant::now()) {
                (0, true) => return,
                (0, false) => sleep_until(until).await,
                _ => sleep_until(Instant::now() + patience).await,
            }
        }
    }
}

impl UnderWay {
    fn until_sent(self, answer: Response) -> Response {
        answer.map(|body| Body::new(Holding::new(body, self)))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.change(|under_way| under_way.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(uri: &str, lines: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::get(uri);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let (mut head, ()) = request.body(()).expect("a request").into_parts();
        as_http1(&mut head);
        head
    }

    #[test]
    fn whom_it_is_for_stands_in_host_and_cookies_in_one_line() {
        let asked = head("https://house.example:8443/doors/7?x=1", &[("cookie", "a=b"), ("cookie", "c=d; e=f")]);
        assert_eq!(
            (asked.uri.to_string().as_str(), &asked.headers["host"]),
            ("/doors/7?x=1", &"house.example:8443".parse().expect("a value"))
        );
        let cookies: Vec<&HeaderValue> = asked.headers.get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=b; c=d; e=f"]);
        assert!(asked.extensions.get::<Nameless>().is_none());
        assert!(head("https://a/", &[("host", "a")]).extensions.get::<Nameless>().is_none());
        assert!(head("https://a/", &[("host", "b")]).extensions.get::<Nameless>().is_some(), "two names");
        assert!(head("/", &[]).extensions.get::<Nameless>().is_some(), "none");
        assert_eq!(head("/", &[("host", "a")]).headers["host"], "a");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_when_nothing_is_under_way_and_sooner_when_nothing_ever_was() {
        let (began, first) = (Instant::now(), Duration::from_secs(5));
        Work::new().idle(first).await;
        assert_eq!(began.elapsed(), first);
        let work = Work::new();
        tokio::time::advance(Duration::from_secs(1)).await;
        let under_way = work.begin();
        let waits = work.clone();
        let idle = timeout(Duration::from_secs(600), waits.idle(first)).await;
        assert!(idle.is_err(), "an answer is under way");
        drop(under_way);
        let began = Instant::now();
        work.idle(first).await;
        assert!(began.elapsed() >= first && began.elapsed() <= IDLE, "{:?}", began.elapsed());
    }
}
