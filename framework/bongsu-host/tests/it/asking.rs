//! A service that asks others by name, over real sockets: on whose behalf, how long, and what a service that hangs costs.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, http::HeaderMap, routing::get};
use bongsu_host::{
    HyperClient, TokioEnv, asking::Asking, config::Config, directory::Directory, health::Health, host::Host,
    problem::Problem, server, stop::Stop,
};
use bongsu_keys::{Audience, GATEWAY, Keys, Roots, Vouched};
use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{Adapters, Asks, Peer, Question, Runtime, Service, Settings, ports::env::Env};
use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use crate::{
    client::{Ask, Got},
    fixture::spawn,
};

/// So long a call to the one that hangs may take.
const DEADLINE: Duration = Duration::from_millis(400);
/// So many at once.
const PLACES: usize = 4;

/// A running service of a system.
struct Running {
    addr: SocketAddr,
    _runtime: Runtime,
}

/// A folder with a directory and the keys of everybody.
struct System {
    folder: TempDir,
}

impl System {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots::open_or_make(folder.path()).unwrap();
        for name in [GATEWAY, "house", "bell", "tower"] {
            roots.write_keys(&folder.path().join(format!("{name}.json")), name).unwrap();
        }
        let this = Self { folder };
        this.direct(json!({ "bell": [], "tower": [] }));
        this
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Who is ready.
    fn direct(&self, ready: Value) {
        fs::write(self.file("draft"), ready.to_string()).unwrap();
        fs::rename(self.file("draft"), self.file("directory")).unwrap();
    }

    /// Serves a service of that map.
    async fn serve(&self, service: Service, routes: impl FnOnce(Peers) -> Router, places: usize) -> Running {
        let mut config = Config::defaults(service.name());
        config.keys = self.file(&format!("{}.json", service.name())).display().to_string();
        config.limits.concurrency = places;
        let env: Arc<dyn Env> = Arc::new(TokioEnv::new(None).unwrap());
        let directory = Directory::open(&self.file("directory")).unwrap();
        let adapters = Adapters {
            store: Arc::new(MemoryStore::with_env(Arc::clone(&env))),
            broker: Arc::new(MemoryBroker::new(Arc::clone(&env))),
            env: Arc::clone(&env),
            http: Arc::new(HyperClient::new().among(Some(directory))),
        };
        let runtime = Runtime::start(service, adapters, Settings::default());
        let peers = Peers { bell: runtime.handle().peer("bell"), tower: runtime.handle().peer("tower") };
        let health = Health::always();
        let host = Host::new(&config, env, health.clone()).with_keys(config.open_keys().unwrap());
        let app = host.app(routes(peers));
        let bound = server::bind(config.listen).await.unwrap();
        let addr = bound.addr();
        drop(spawn(async move { bound.serve(app, &config, &health, &Stop::new()).await }));
        Running { addr, _runtime: runtime }
    }

    /// The house, which asks bell and tower.
    async fn house(&self) -> Running {
        let asks = Asks::within(DEADLINE).at_once(PLACES);
        let map = Service::new("house").asks("bell", asks.clone()).asks("tower", asks);
        let routes = |peers| {
            Router::new()
                .route("/own", get(async || "own"))
                .route("/bell", get(ask_bell))
                .route("/tower", get(ask_tower))
                .with_state(peers)
        };
        self.serve(map, routes, 3 * PLACES).await
    }

    /// Says to whom a request says that somebody asks, and how long he waits.
    async fn echo(&self, name: &'static str) -> Running {
        let said = async |headers: HeaderMap| {
            let one = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            Json(json!({
                "who": one("x-bongsu-principal"),
                "roles": one("x-bongsu-roles"),
                "left_ms": one("x-bongsu-deadline-ms").and_then(|left| left.parse::<u64>().ok()),
                "trace": one("traceparent"),
            }))
        };
        self.serve(Service::new(name), |_| Router::new().route("/rings", get(said)), 64).await
    }

    /// What the gateway says to the house, which asks these.
    fn says(&self, asks: &[&str]) -> String {
        let asks: Vec<String> = asks.iter().map(|name| (*name).to_owned()).collect();
        let keys = Keys::open(&self.file(&format!("{GATEWAY}.json"))).unwrap();
        let now_ms = TokioEnv::new(None).unwrap().wall_ms();
        let who = Vouched { roles: vec!["keeper".into()], ..Vouched::named("ann") };
        keys.vouch(&Audience::of("house", &asks), &who, now_ms).unwrap().to_string()
    }
}

#[derive(Clone)]
struct Peers {
    bell: Peer,
    tower: Peer,
}

async fn ask_bell(State(peers): State<Peers>, asking: Asking) -> Result<Json<Value>, Problem> {
    ask(&peers.bell, asking).await
}

async fn ask_tower(State(peers): State<Peers>, asking: Asking) -> Result<Json<Value>, Problem> {
    ask(&peers.tower, asking).await
}

async fn ask(peer: &Peer, Asking(behalf): Asking) -> Result<Json<Value>, Problem> {
    match peer.ask(&behalf, Question::get("/rings")).await {
        Ok(answered) => {
            let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
            Ok(Json(json!({ "status": answered.status, "body": body })))
        }
        Err(why) => Err(Problem::new(StatusCode::BAD_GATEWAY, why.word(), "No answer").detail(why.to_string())),
    }
}

/// Takes every connection and never answers; counts those that are open.
async fn hanging() -> (SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = (open.clone(), most.clone());
    drop(spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (open, most) = counted.clone();
            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            drop(spawn(async move {
                while stream.read(&mut [0; 4_096]).await.is_ok_and(|read| read > 0) {}
                open.fetch_sub(1, Ordering::SeqCst);
            }));
        }
    }));
    (addr, open, most)
}

#[expect(clippy::disallowed_methods, reason = "a caller is outside the process that Env describes")]
fn now() -> Instant {
    Instant::now()
}

async fn timed(addr: SocketAddr, path: &str) -> (Got, Duration) {
    let began = now();
    let got = Ask::get(path).of(addr).await;
    (got, began.elapsed())
}

#[tokio::test]
async fn whom_a_service_asks_hears_who_asked_it_as_the_gateway_said() {
    let system = System::new();
    let (house, bell) = (system.house().await, system.echo("bell").await);
    system.direct(json!({ "bell": [bell.addr.to_string()], "tower": [] }));
    let ask = |token: &str, left_ms: &str| {
        Ask::get("/bell").header("x-bongsu-principal", token).header("x-bongsu-deadline-ms", left_ms).of(house.addr)
    };
    let body = ask(&system.says(&["bell", "tower"]), "5000").await.json()["body"].clone();
    assert_eq!((&body["who"], &body["roles"]), (&json!("ann"), &json!("keeper")));
    let left = body["left_ms"].as_u64().unwrap();
    assert!((300..=400).contains(&left), "{left} of 400 ms");
    assert_eq!(body["trace"].as_str().map(str::len), Some(55));
    let left = ask(&system.says(&["bell"]), "200").await.json()["body"]["left_ms"].as_u64().unwrap();
    assert!((1..=190).contains(&left), "{left} of 200 ms minus a margin");
    let other = ask(&system.says(&["tower"]), "5000").await;
    assert_eq!(other.json()["body"]["who"], Value::Null, "bell is not among those whom it was said to");
    let alone = ask(&system.says(&[]), "5000").await;
    assert_eq!(alone.json()["body"]["who"], Value::Null);
    let forged = ask("ann", "5000").await;
    assert_eq!(forged.json()["body"]["who"], Value::Null, "what the house does not believe it does not pass on");
    ask(&system.says(&["bell"]), "9").await.problem(502, "no-time");
}

#[tokio::test]
async fn a_service_that_hangs_takes_its_own_places_and_nothing_else() {
    let system = System::new();
    let (house, tower) = (system.house().await, system.echo("tower").await);
    let (hangs, open, most) = hanging().await;
    system.direct(json!({ "bell": [hangs.to_string()], "tower": [tower.addr.to_string()] }));
    let held = spawn(join_all((0..PLACES).map(|_| async move { timed(house.addr, "/bell").await })));
    while open.load(Ordering::SeqCst) < PLACES {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // All its places are taken: one more is refused at once, and the rest of the house does not notice.
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        for (path, status) in [("/own", 200), ("/tower", 200), ("/bell", 502)] {
            let (got, took) = timed(house.addr, path).await;
            assert_eq!(got.status, status, "{path}");
            slowest = slowest.max(took);
        }
        if held.is_finished() {
            break;
        }
    }
    assert!(slowest < DEADLINE / 2, "{slowest:?}, while others hang for {DEADLINE:?}");
    for (got, took) in held.await.unwrap() {
        got.problem(502, "late");
        assert!(took >= DEADLINE && took < DEADLINE * 3, "{took:?}");
    }
    let storm = join_all((0..2 * PLACES).map(|_| timed(house.addr, "/bell"))).await;
    assert!(storm.iter().all(|(got, _)| got.status == 502), "{storm:?}");
    let (got, took) = timed(house.addr, "/bell").await;
    got.problem(502, "open");
    assert!(took < DEADLINE / 2, "it is left alone, and that is said at once: {took:?}");
    assert!(most.load(Ordering::SeqCst) <= PLACES, "{most:?} at once");
    while open.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_name_is_whoever_is_ready_now() {
    let system = System::new();
    let (house, bell) = (system.house().await, system.echo("bell").await);
    timed(house.addr, "/bell").await.0.problem(502, "lost");
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    system.direct(json!({ "bell": [gone.to_string(), bell.addr.to_string()], "tower": [] }));
    for _ in 0..4 {
        assert_eq!(timed(house.addr, "/bell").await.0.status, 200, "who is gone is passed over");
    }
    let unknown = HyperClient::new().among(Some(Directory::open(&system.file("directory")).unwrap()));
    let request = bongsu_runtime::ports::env::HttpRequest {
        method: "GET",
        url: "http://nobody.invalid/rings".into(),
        headers: Vec::new(),
        body: bytes::Bytes::new(),
        deadline: Duration::from_secs(5),
    };
    let why = bongsu_runtime::ports::env::HttpClient::send(&unknown, request).await.unwrap_err();
    assert!(!why.0.is_empty(), "a name that is not in it is a host: {why}");
}
