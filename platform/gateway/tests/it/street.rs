//! Upstreams in this process, on real sockets, and a gateway in front of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use gateway::{Filter, Gateway, Route, Settings, Table};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// How long a request waits for an instance here.
pub(crate) const WAIT_MS: u64 = 100;

/// A gateway with one service, `door`, at `/*`.
pub(crate) struct Street {
    pub(crate) tables: watch::Sender<Arc<Table>>,
    gateway: Gateway,
    upstreams: JoinSet<()>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Street {
    pub(crate) fn new(arrange: impl FnOnce(Vec<Arc<dyn Filter>>) -> Vec<Arc<dyn Filter>>) -> Self {
        let (tables, newest) = watch::channel(Arc::default());
        let gateway = Gateway::with_filters(Settings { wait_ms: WAIT_MS, ..Settings::default() }, newest, arrange);
        Self { tables, gateway, upstreams: JoinSet::new() }
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

    pub(crate) fn route_to(&self, ready: Vec<SocketAddr>) {
        let routes = vec![Route { path: "/*".into(), service: "door".into() }];
        let table = Table { revision: 1, routes, upstreams: [("door".into(), ready)].into(), ..Table::default() };
        self.tables.send_replace(Arc::new(table));
    }

    pub(crate) async fn ask(&self, method: &str, headers: &[(&str, &str)], body: &'static str) -> Answer {
        let mut request = Request::builder().method(method).uri("/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.gateway.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer { status: head.status, headers: head.headers, body: String::from_utf8(body.into()).unwrap() }
    }
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
