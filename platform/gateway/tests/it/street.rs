//! Upstreams in this process, on real sockets, and a gateway in front of them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use bongsu_host::config::Config;
use bongsu_host::server::bind;
use bongsu_host::stop::Stop;
use bongsu_keys::Keys;
use gateway::{Access, Certificate, Filter, Gateway, Route, Settings, Table};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// How long a request waits for an instance here.
pub(crate) const WAIT_MS: u64 = 100;

/// A gateway with one service, `door`, at `/*`.
pub(crate) struct Street {
    pub(crate) tables: watch::Sender<Arc<Table>>,
    /// What is told beside routes and instances.
    pub(crate) table: Table,
    pub(crate) gateway: Gateway,
    upstreams: JoinSet<()>,
}

/// What a raw upstream does with a request it has read whole.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// Resets the connection.
    Reset,
    /// Says that and closes.
    Say(&'static str),
    /// Nothing, for ever.
    Hang,
}

pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Street {
    pub(crate) fn new(arrange: impl FnOnce(Vec<Arc<dyn Filter>>) -> Vec<Arc<dyn Filter>>) -> Self {
        Self::of(Settings { wait_ms: WAIT_MS, ..Settings::default() }, arrange)
    }

    /// Whose own limit is so short.
    pub(crate) fn impatient(limit_ms: u64) -> Self {
        let mut settings = Settings { wait_ms: WAIT_MS, ..Settings::default() };
        settings.limits.request_timeout_ms = limit_ms;
        Self::of(settings, |standard| standard)
    }

    /// Whose breakers are off: for tests that go on asking what fails.
    pub(crate) fn without_breakers() -> Self {
        Self::set(Settings { breaker: None, ..Settings::default() })
    }

    /// With these settings.
    pub(crate) fn set(settings: Settings) -> Self {
        Self::of(Settings { wait_ms: WAIT_MS, ..settings }, |standard| standard)
    }

    fn of(settings: Settings, arrange: impl FnOnce(Vec<Arc<dyn Filter>>) -> Vec<Arc<dyn Filter>>) -> Self {
        let (tables, newest) = watch::channel(Arc::default());
        let gateway = Gateway::with_filters(settings, newest, arrange);
        let (mut upstreams, tended) = (JoinSet::new(), gateway.clone());
        upstreams.spawn(async move { tended.tend().await });
        let table = Table { idempotent: ["door".into()].into(), ..Table::default() };
        Self { tables, table, gateway, upstreams }
    }

    /// Of a system with that secret; what only operators may ask is written as in `bongsu.toml`.
    pub(crate) fn with_keys(keys: Keys, operator: &[&str]) -> Self {
        let settings = Settings { wait_ms: WAIT_MS, ..Settings::default() }.with_keys(Some(keys));
        let mut street = Self::of(settings, |standard| standard);
        street.table.access = operator
            .iter()
            .map(|route| {
                let (method, path) = route.split_once(' ').unwrap();
                Access { service: "door".into(), method: method.into(), path: path.into(), who: "operator".into() }
            })
            .collect();
        street
    }

    /// The gateway on a real socket.
    pub(crate) async fn open(&mut self) -> SocketAddr {
        self.open_until(Stop::new()).await
    }

    /// The same, until it is asked to stop.
    pub(crate) async fn open_until(&mut self, stop: Stop) -> SocketAddr {
        self.open_by(stop, Config::defaults("gateway")).await
    }

    /// The same by that configuration.
    pub(crate) async fn open_by(&mut self, stop: Stop, config: Config) -> SocketAddr {
        let bound = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (address, gateway) = (bound.addr(), self.gateway.clone());
        self.beside(async move {
            bound.serve(gateway.router(), &config, gateway.health(), &stop).await;
            gateway.closed().await;
        });
        address
    }

    /// The gateway on a real socket over TLS.
    pub(crate) async fn open_tls(&mut self, certificate: Certificate) -> SocketAddr {
        let mut config = Config::defaults("gateway");
        config.limits.header_timeout_ms = 1_000;
        self.open_tls_by(certificate, config).await
    }

    /// The same by that configuration.
    pub(crate) async fn open_tls_by(&mut self, certificate: Certificate, config: Config) -> SocketAddr {
        let bound = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (address, gateway) = (bound.addr(), self.gateway.clone());
        self.beside(async move {
            let stop = Stop::new();
            let served = bound.serve_tls(certificate.config(), gateway.router(), &config, gateway.health(), &stop);
            tokio::join!(served, certificate.tend());
        });
        address
    }

    /// Runs as long as the street.
    pub(crate) fn beside(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.upstreams.spawn(task);
    }

    /// An upstream that answers with what it was sent, and the count of what it has served.
    pub(crate) async fn upstream(&mut self) -> (SocketAddr, Arc<AtomicU32>) {
        let served = Arc::new(AtomicU32::new(0));
        let count = served.clone();
        let echo = async move |body: Bytes| {
            count.fetch_add(1, Ordering::SeqCst);
            body
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        self.upstreams.spawn(async move { axum::serve(listener, Router::new().fallback(echo)).await.unwrap() });
        (address, served)
    }

    /// An upstream of raw bytes, one request per connection: what it does with the first, the second… (the last for
    /// ever), and every request it has read.
    pub(crate) async fn raw(&mut self, acts: &'static [Act]) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, read) = (listener.local_addr().unwrap(), seen.clone());
        self.upstreams.spawn(async move {
            let mut hung = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let Some(request) = whole_request(&mut stream).await else { continue };
                let number = {
                    let mut seen = read.lock().unwrap();
                    seen.push(request);
                    seen.len()
                };
                match acts[number.min(acts.len()) - 1] {
                    Act::Reset => stream.set_zero_linger().unwrap(),
                    Act::Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                    Act::Hang => hung.push(stream),
                }
            }
        });
        (address, seen)
    }

    pub(crate) fn route_to(&self, ready: Vec<SocketAddr>) {
        self.route_paths_to(&["/*"], ready);
    }

    /// Several paths, to the same service.
    pub(crate) fn route_paths_to(&self, paths: &[&str], ready: Vec<SocketAddr>) {
        let route = |path: &&str| Route { path: (*path).into(), service: "door".into() };
        let routes = paths.iter().map(route).collect();
        let table = Table { revision: 1, routes, upstreams: [("door".into(), ready)].into(), ..self.table.clone() };
        self.tables.send_replace(Arc::new(table));
    }

    /// As [`Street::ask`], at some path.
    pub(crate) async fn ask_at(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.gateway.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        // Also of a stream that is never quiet until it ends.
        let body = to_bytes(body, 32 << 20).await.unwrap();
        Response { status: head.status, headers: head.headers, body: String::from_utf8(body.into()).unwrap() }
    }

    pub(crate) async fn ask(&self, method: &str, headers: &[(&str, &str)], body: &'static str) -> Response {
        self.try_ask(method, headers, body).await.unwrap()
    }

    /// As [`Street::ask`]; an error when the answer is cut off.
    pub(crate) async fn try_ask(
        &self,
        method: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Result<Response, axum::Error> {
        let mut request = Request::builder().method(method).uri("/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.gateway.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, 1 << 20).await?;
        Ok(Response { status: head.status, headers: head.headers, body: String::from_utf8(body.into()).unwrap() })
    }
}

/// A head, and a body as long as it announces; `None` when the connection ends before.
async fn whole_request(stream: &mut TcpStream) -> Option<String> {
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut bytes).await {
            Ok(length) if length > 0 => text.push_str(std::str::from_utf8(&bytes[..length]).unwrap()),
            _ => return None,
        }
    }
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
