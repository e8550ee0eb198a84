//! The whole service over real HTTP, on a store in a file, with a clock that can be moved.
//!
//! Not on `Bench`, which is a router over memory: the issuer is an address, in every token and in the settings the service is
//! made of, so it has to listen before it is there; codes and cookies travel by redirects that a client of its own follows;
//! what is forgotten is looked for in the store's files; and codes, tokens and sessions end by a clock that is moved while
//! tasks sleep by the machine's. A `Bench` with all four would be this, and a harder one to read for every other context.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bongsu_host::{
    HyperClient, TokioEnv,
    config::Config,
    health::Health,
    host::Host,
    server::{Bound, bind},
    stop::Stop,
};
use bongsu_memory::MemoryBroker;
use bongsu_runtime::{
    Adapters, Handle, Runtime,
    ports::{
        Fut,
        env::{Env, Task},
        store::Store,
    },
};
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use identity::{Settings, routes, service};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The secret of the clients `server` and `rsa`.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Where codes are sent; nobody listens there.
pub(crate) const BACK: &str = "http://127.0.0.1:9/back";

/// A running service.
pub(crate) struct Provider {
    pub(crate) clock: Arc<Clock>,
    pub(crate) issuer: String,
    pub(crate) handle: Handle,
    pub(crate) settings: Settings,
    pub(crate) folder: TempDir,
    pub(crate) http: Http,
    store: Arc<dyn Store>,
    _runtime: Runtime,
    _serving: Box<dyn Task>,
    stop: Arc<Stop>,
}

/// A clock that stands still until it is moved.
pub(crate) struct Clock {
    machine: TokioEnv,
    now_ms: AtomicI64,
}

/// A plain HTTP client.
#[derive(Clone)]
pub(crate) struct Http(Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>);

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Provider {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Value)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let bound = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
        let settings = settings(&bound, folder.path(), change);
        let machine = TokioEnv::new(None).expect("no crash point");
        let clock = Arc::new(Clock { now_ms: machine.wall_ms().into(), machine });
        let env: Arc<dyn Env> = clock.clone();
        let file = folder.path().join("identity.db");
        let store = bongsu::open_store(&format!("sqlite:{}", file.display())).expect("a store");
        let adapters = Adapters {
            store: Arc::clone(&store),
            broker: Arc::new(MemoryBroker::new(Arc::clone(&env))),
            env: Arc::clone(&env),
            http: Arc::new(HyperClient::new()),
        };
        let runtime = Runtime::start(service(&settings), adapters, bongsu_runtime::Settings::default());
        let handle = runtime.handle();
        let config = Config::defaults("identity");
        let health = Health::always();
        let app = Host::new(&config, Arc::clone(&env), health.clone()).app(routes(handle.clone(), &settings));
        let stop = Arc::new(Stop::new());
        let stopped = Arc::clone(&stop);
        let serve = async move { bound.serve(app, &config, &health, &stopped).await };
        let serving = env.spawn("serve", Box::pin(serve));
        let issuer = settings.issuer.clone();
        let http = Http::new();
        Self { clock, issuer, handle, settings, folder, http, store, _runtime: runtime, _serving: serving, stop }
    }

    pub(crate) fn at(&self, place: &str) -> String {
        format!("{}/{place}", self.issuer)
    }

    /// Sends a form; `who` is a client's name and secret.
    pub(crate) async fn post(&self, place: &str, who: Option<(&str, &str)>, form: &[(&str, &str)]) -> Response {
        let mut headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        headers.extend(who.map(basic));
        self.http.send(Method::POST, &self.at(place), &headers, written(form)).await
    }

    /// The same by the client with a secret.
    pub(crate) async fn ask(&self, place: &str, form: &[(&str, &str)]) -> Response {
        self.post(place, Some(("server", SECRET)), form).await
    }

    /// Whether an access token counts, as another service would ask.
    pub(crate) async fn counts(&self, token: &str) -> bool {
        self.ask("introspect", &[("token", token)]).await.json()["active"] == true
    }

    pub(crate) async fn userinfo(&self, token: &str) -> Response {
        let headers = [("authorization".to_owned(), format!("Bearer {token}"))];
        self.http.send(Method::GET, &self.at("userinfo"), &headers, String::new()).await
    }

    /// As an operator behind the gateway; `how` is a method and what comes after `/identity`.
    pub(crate) async fn operate(&self, how: &str, key: &str, body: Value) -> Response {
        let (method, place) = how.split_once(' ').expect("a method and a place");
        let pairs = [
            ("x-bongsu-principal", "operator"),
            ("x-bongsu-roles", "operator"),
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        let headers: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let method = method.parse().expect("a method");
        self.http.send(method, &self.at(place), &headers, body.to_string()).await
    }

    /// Stops it, so that its files are whole.
    pub(crate) async fn close(self) -> TempDir {
        self.stop.ask("the test is over");
        self.store.shut_down().await;
        self.folder
    }
}

fn settings(bound: &Bound, folder: &Path, change: impl FnOnce(&mut Value)) -> Settings {
    let file = folder.join("secret");
    std::fs::write(&file, SECRET).expect("a file");
    let scopes = ["openid", "profile", "email", "roles", "offline_access"];
    let grants = ["authorization_code", "refresh_token"];
    let after = ["http://127.0.0.1:9/bye"];
    let mut settings = json!({
        "issuer": format!("http://{}/identity", bound.addr()),
        "audience": "house",
        "environment": "dev",
        "clients": [
            { "id": "web", "redirect_uris": [BACK], "post_logout_redirect_uris": after, "grants": grants, "scopes": scopes },
            { "id": "app", "redirect_uris": [BACK], "any_loopback_port": true, "grants": ["authorization_code"], "scopes": scopes },
            { "id": "rsa", "secret_file": file, "redirect_uris": [BACK], "grants": grants, "scopes": scopes,
              "id_token_signed_response_alg": "RS256" },
            { "id": "server", "secret_file": file, "grants": ["client_credentials"], "scopes": ["doors"], "roles": ["operator"] },
        ],
    });
    change(&mut settings);
    serde_json::from_value(settings).expect("settings")
}

impl Clock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.now_ms.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Env for Clock {
    fn wall_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn mono(&self) -> Duration {
        self.machine.mono()
    }

    fn sleep(&self, how_long: Duration) -> Fut<'static, ()> {
        self.machine.sleep(how_long)
    }

    fn random(&self) -> u64 {
        self.machine.random()
    }

    fn spawn(&self, name: &'static str, task: Fut<'static, ()>) -> Box<dyn Task> {
        self.machine.spawn(name, task)
    }
}

impl Http {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    pub(crate) async fn send(&self, method: Method, url: &str, headers: &[(String, String)], body: String) -> Response {
        let request = Request::builder().method(method).uri(url);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = request.body(Full::from(body)).expect("a request");
        let (parts, body) = self.0.request(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("text");
        Response { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, url: &str) -> Response {
        self.send(Method::GET, url, &[], String::new()).await
    }
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The error of the protocol, after seeing that it is told as the protocol says.
    pub(crate) fn error(&self) -> String {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store", "{self:?}");
        let body = self.json();
        assert!(body["error_description"].is_string() && body.get("access_token").is_none(), "{self:?}");
        body["error"].as_str().unwrap_or_else(|| panic!("no error: {self:?}")).to_owned()
    }
}

pub(crate) fn basic((id, secret): (&str, &str)) -> (String, String) {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    ("authorization".to_owned(), format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}"))))
}

pub(crate) fn written(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// What a token says, unverified.
pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

pub(crate) fn header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, at: usize) -> Value {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let part = token.split('.').nth(at).unwrap_or_else(|| panic!("no token: {token}"));
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
