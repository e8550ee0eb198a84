//! A whole provider of OpenID Connect on a real socket, as far as a client sees it, whose moods a test sets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::issuer::{AUDIENCE, Ec, now_s};

const ES256: &str = r#"{"alg":"ES256","kid":"a","typ":"JWT"}"#;

/// The provider; the test holds the other end of it.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    pub(crate) house: Arc<Books>,
    _serving: JoinSet<()>,
}

/// What it knows.
pub(crate) struct Books {
    key: Ec,
    address: SocketAddr,
    mood: Mutex<Mood>,
    /// By code: who, and what the browser was sent with.
    codes: Mutex<BTreeMap<String, Code>>,
    /// By refresh token: who.
    refresh: Mutex<BTreeMap<String, String>>,
    pub(crate) refreshed: AtomicU32,
    pub(crate) asked: AtomicU32,
    pub(crate) revoked: AtomicU32,
    number: AtomicU32,
}

/// How it is disposed.
#[derive(Clone)]
pub(crate) struct Mood {
    /// It answers 503 to everything.
    pub(crate) is_down: bool,
    /// Nobody may come in any more.
    pub(crate) is_locked: bool,
    /// It gives the next tokens, and its answer takes long; the same token then counts once more.
    pub(crate) is_slow: bool,
    /// Its userinfo endpoint takes no access token that is for somebody else.
    pub(crate) is_deaf: bool,
    /// A client without its secret is none.
    pub(crate) wants_secret: bool,
    pub(crate) roles: Vec<&'static str>,
    /// How long its access tokens live, in seconds.
    pub(crate) life_s: i64,
    /// Claims of an ID token that are other than they should be.
    pub(crate) id: Value,
    /// Whoever the access token names.
    pub(crate) sub: &'static str,
}

#[derive(Clone)]
struct Code {
    person: String,
    challenge: String,
    nonce: String,
    redirect: String,
}

impl Provider {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mood = Mood {
            is_down: false,
            is_locked: false,
            is_slow: false,
            is_deaf: false,
            wants_secret: false,
            roles: vec!["guest"],
            life_s: 300,
            id: json!({}),
            sub: "usr_ann",
        };
        let house = Arc::new(Books {
            key: Ec::new(),
            address,
            mood: Mutex::new(mood),
            codes: Mutex::default(),
            refresh: Mutex::default(),
            refreshed: AtomicU32::new(0),
            asked: AtomicU32::new(0),
            revoked: AtomicU32::new(0),
            number: AtomicU32::new(0),
        });
        let routes = Router::new()
            .route("/realm/.well-known/openid-configuration", get(discovery))
            .route("/realm/jwks", get(jwks))
            .route("/realm/token", post(token))
            .route("/realm/userinfo", get(userinfo))
            .route("/realm/revoke", post(revoke))
            .with_state(Arc::clone(&house));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, house, _serving: serving }
    }

    pub(crate) fn issuer(&self) -> String {
        self.house.issuer()
    }

    pub(crate) fn mood(&self) -> MutexGuard<'_, Mood> {
        self.house.mood.lock().unwrap()
    }

    /// A person says yes at the page that a browser was sent to: the code that it is sent back with.
    pub(crate) fn consent(&self, sent_to: &str) -> String {
        let asked = params(sent_to);
        let number = self.house.number.fetch_add(1, Ordering::SeqCst);
        let code = format!("code-{number}");
        let of = |name: &str| asked.get(name).cloned().unwrap_or_else(|| panic!("no {name}: {sent_to}"));
        assert_eq!((of("response_type"), of("code_challenge_method")), ("code".to_owned(), "S256".to_owned()));
        let known = Code {
            person: "usr_ann".into(),
            challenge: of("code_challenge"),
            nonce: of("nonce"),
            redirect: of("redirect_uri"),
        };
        self.house.codes.lock().unwrap().insert(code.clone(), known);
        code
    }

    /// An access token, for a program.
    pub(crate) fn access(&self) -> String {
        self.house.access()
    }
}

impl Books {
    fn issuer(&self) -> String {
        format!("http://{}/realm", self.address)
    }

    fn mood(&self) -> Mood {
        self.mood.lock().unwrap().clone()
    }

    fn access(&self) -> String {
        let mood = self.mood();
        let claims = json!({
            "iss": self.issuer(), "sub": mood.sub, "aud": AUDIENCE, "exp": now_s() + mood.life_s, "iat": now_s(),
            "roles": mood.roles, "jti": self.number.fetch_add(1, Ordering::SeqCst),
        });
        self.key.sign(ES256, &claims.to_string())
    }

    fn given(&self, person: &str, nonce: Option<&str>) -> Response {
        let mut id = json!({
            "iss": self.issuer(), "sub": person, "aud": "gateway", "exp": now_s() + 300, "iat": now_s(), "name": "Ann",
        });
        id["nonce"] = nonce.map_or(Value::Null, Value::from);
        for (name, value) in self.mood().id.as_object().unwrap() {
            id[name] = value.clone();
        }
        let refresh = format!("refresh-{}", self.number.fetch_add(1, Ordering::SeqCst));
        self.refresh.lock().unwrap().insert(refresh.clone(), person.to_owned());
        Json(json!({
            "access_token": self.access(), "token_type": "Bearer", "refresh_token": refresh,
            "id_token": self.key.sign(ES256, &id.to_string()),
        }))
        .into_response()
    }
}

fn no(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
}

/// The query of an address.
pub(crate) fn params(address: &str) -> BTreeMap<String, String> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

async fn discovery(State(house): State<Arc<Books>>) -> Json<Value> {
    let issuer = house.issuer();
    let at = |place: &str| format!("{issuer}/{place}");
    Json(json!({
        "issuer": issuer, "jwks_uri": at("jwks"), "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"), "userinfo_endpoint": at("userinfo"), "revocation_endpoint": at("revoke"),
        "end_session_endpoint": at("logout"),
    }))
}

async fn jwks(State(house): State<Arc<Books>>) -> Json<Value> {
    Json(json!({ "keys": [house.key.jwk("a")] }))
}

/// The gateway says who it is by its secret, or by its name alone.
fn is_the_gateway(headers: &HeaderMap, form: &BTreeMap<String, String>) -> bool {
    let secret = BASE64_STANDARD.encode("gateway:a%2Bsecret");
    match headers.get("authorization") {
        Some(shown) => *shown == format!("Basic {secret}") && !form.contains_key("client_id"),
        None => form.get("client_id").is_some_and(|client| client == "gateway"),
    }
}

async fn token(
    State(house): State<Arc<Books>>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    let mood = house.mood();
    if mood.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let of = |name: &str| form.get(name).cloned().unwrap_or_default();
    if !is_the_gateway(&headers, &form) || mood.wants_secret && !headers.contains_key("authorization") {
        return no("invalid_client");
    }
    match of("grant_type").as_str() {
        "authorization_code" => {
            let Some(code) = house.codes.lock().unwrap().remove(&of("code")) else { return no("invalid_grant") };
            let challenge = BASE64.encode(Sha256::digest(of("code_verifier")));
            match challenge == code.challenge && of("redirect_uri") == code.redirect {
                true => house.given(&code.person, Some(&code.nonce)),
                false => no("invalid_grant"),
            }
        }
        "refresh_token" => {
            house.refreshed.fetch_add(1, Ordering::SeqCst);
            if mood.is_slow {
                tokio::time::sleep(Duration::from_secs(2)).await;
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            // Two at a time would show: the second comes while the first is answered.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let known = house.refresh.lock().unwrap().remove(&of("refresh_token"));
            match known.filter(|_| !mood.is_locked) {
                Some(person) => house.given(&person, None),
                None => no("invalid_grant"),
            }
        }
        _ => no("unsupported_grant_type"),
    }
}

async fn userinfo(State(house): State<Arc<Books>>, headers: HeaderMap) -> Response {
    house.asked.fetch_add(1, Ordering::SeqCst);
    let mood = house.mood();
    assert!(headers["authorization"].to_str().unwrap().starts_with("Bearer "));
    match (mood.is_down, mood.is_locked) {
        (true, _) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        (_, true) => StatusCode::UNAUTHORIZED.into_response(),
        _ if mood.is_deaf => StatusCode::UNAUTHORIZED.into_response(),
        _ => Json(json!({ "sub": "usr_ann", "roles": mood.roles })).into_response(),
    }
}

async fn revoke(State(house): State<Arc<Books>>, Form(form): Form<BTreeMap<String, String>>) -> StatusCode {
    house.revoked.fetch_add(1, Ordering::SeqCst);
    house.refresh.lock().unwrap().remove(&form["token"]);
    StatusCode::OK
}
