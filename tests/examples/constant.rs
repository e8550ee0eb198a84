//! An axum handler that answers a constant: what the gateway and its peer are measured in front of, and what a service is
//! measured beside. It keeps to the protocol of a child (address, announcements, parent pipe, readiness), and below `/sick`
//! it breaks connections until it is told to be well.
//!
//! Started by the figures in `tests/tests/figures`; `cargo build -p system-tests --example constant` builds it.

use std::{
    convert::Infallible,
    io::Read as _,
    net::SocketAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::{get, put},
};
use bytes::Bytes;
use hyper::{Request, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tower::ServiceExt as _;

/// What a row of a read model is: some two hundred bytes.
const ROW: &str = r#"{"order_id":"ord_01890a5d-ac96-774b-bcce-b302099a8057","status":{"code":"DELIVERED"},"lines":[{"sku":"TV","quantity":2,"price_minor":250000}],"total":{"minor":500000,"currency":"KRW"},"at_ms":1767225600000}"#;
/// More than all buffers on the way hold: who does not read it holds it up. There is one of it, whoever asks.
static LARGE: LazyLock<Bytes> = LazyLock::new(|| vec![b'x'; 16 << 20].into());

/// Below this connections break while it is sick.
const SICK: &str = "/sick/";

/// How it is below `/sick`.
#[derive(Default)]
struct Health {
    is_sick: AtomicBool,
    calls: AtomicU64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    if variable("BONGSU_PARENT_PIPE").as_deref() == Some("1") {
        std::thread::spawn(end_with_the_parent);
    }
    let wished = variable("BONGSU_LISTEN").and_then(|text| text.parse().ok());
    let listener = TcpListener::bind(wished.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)))).await?;
    println!("{{\"event\":\"listening\",\"addr\":\"{}\"}}", listener.local_addr()?);
    println!("{{\"event\":\"ready\"}}");
    let health = Arc::new(Health::default());
    let router = routes(health.clone());
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        connections.spawn(serve(stream, router.clone(), health.clone()));
        while connections.try_join_next().is_some() {}
    }
}

fn routes(health: Arc<Health>) -> Router {
    let sick = put(|State(health): State<Arc<Health>>| async move { health.is_sick.store(true, Ordering::SeqCst) })
        .delete(|State(health): State<Arc<Health>>| async move { health.is_sick.store(false, Ordering::SeqCst) })
        .get(|State(health): State<Arc<Health>>| async move { health.calls.load(Ordering::SeqCst).to_string() });
    Router::new()
        .route("/health/ready", get(async || "{}"))
        .route("/sick", sick)
        .route("/constant/large", get(async || LARGE.clone()))
        .fallback(async || row())
        .with_state(health)
}

fn row() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], ROW).into_response()
}

/// One connection: a call that fails is answered by its end.
async fn serve(stream: TcpStream, router: Router, health: Arc<Health>) {
    // Answers are small and leave at once.
    let _ = stream.set_nodelay(true);
    let answer = |request: Request<Incoming>| {
        let (router, health) = (router.clone(), health.clone());
        async move {
            if request.uri().path().starts_with(SICK) {
                health.calls.fetch_add(1, Ordering::SeqCst);
                if health.is_sick.load(Ordering::SeqCst) {
                    return Err("it is sick");
                }
            }
            let answered: Result<Response, Infallible> = router.oneshot(request.map(Body::new)).await;
            Ok(answered.unwrap_or_else(|never| match never {}))
        }
    };
    let mut builder = http1::Builder::new();
    // Whoever is gone, or sick, ends the connection, and nothing is to be done about it.
    let _ = builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

/// Reads its pipe to the end, which is the end of the parent.
fn end_with_the_parent() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0);
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}
