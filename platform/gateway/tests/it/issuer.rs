//! An issuer of tokens on a real socket, whose keys and moods a test sets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use bongsu_host::TokioEnv;
use bongsu_runtime::ports::env::Env as _;
use gateway::{Login, Settings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::street::Street;

pub(crate) const AUDIENCE: &str = "house";

/// A provider, and what it was asked.
pub(crate) struct Issuer {
    pub(crate) address: SocketAddr,
    said: Arc<Said>,
}

struct Said {
    address: SocketAddr,
    /// The keys it tells; none: it answers 503.
    keys: Mutex<Option<Vec<Value>>>,
    asked: AtomicU32,
}

/// A key pair for ES256.
pub(crate) struct Ec(EcdsaKeyPair);

impl Ec {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// As it stands in a JWKS.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let point = self.0.public_key().as_ref();
        let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y })
    }

    /// A token of these texts.
    pub(crate) fn sign(&self, head: &str, claims: &str) -> String {
        self.sign_bytes(head.as_bytes(), claims.as_bytes())
    }

    pub(crate) fn sign_bytes(&self, head: &[u8], claims: &[u8]) -> String {
        let text = unsigned(head, claims);
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", BASE64.encode(signature))
    }

    /// The public key in PEM: what a confused reader would take for a secret.
    pub(crate) fn pem(&self) -> String {
        let der = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(self.0.public_key()).unwrap();
        let body = base64::prelude::BASE64_STANDARD.encode(der.as_ref());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }
}

/// A key pair for RS256.
pub(crate) struct Rsa(RsaKeyPair);

impl Rsa {
    pub(crate) fn new() -> Self {
        Self(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let (n, e) = (self.0.public_key().modulus(), self.0.public_key().exponent());
        let (n, e) =
            (BASE64.encode(n.big_endian_without_leading_zero()), BASE64.encode(e.big_endian_without_leading_zero()));
        json!({ "kty": "RSA", "use": "sig", "kid": kid, "n": n, "e": e })
    }

    pub(crate) fn sign(&self, head: &str, claims: &str) -> String {
        let text = unsigned(head.as_bytes(), claims.as_bytes());
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        format!("{text}.{}", BASE64.encode(signature))
    }
}

/// Head and claims of a token.
pub(crate) fn unsigned(head: &[u8], claims: &[u8]) -> String {
    format!("{}.{}", BASE64.encode(head), BASE64.encode(claims))
}

impl Issuer {
    /// Opens one beside a street that is made for it.
    pub(crate) async fn open(keys: Option<Vec<Value>>) -> (Self, Street) {
        Self::with(keys, |login| login).await
    }

    pub(crate) async fn with(keys: Option<Vec<Value>>, set: impl FnOnce(Login) -> Login) -> (Self, Street) {
        Self::set(keys, |settings| Settings { login: settings.login.map(set), ..settings }).await
    }

    pub(crate) async fn set(keys: Option<Vec<Value>>, set: impl FnOnce(Settings) -> Settings) -> (Self, Street) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let said = Arc::new(Said { address, keys: Mutex::new(keys), asked: AtomicU32::new(0) });
        let login = Login { cooldown_s: 1, ..Login::of(&format!("http://{address}/realm"), AUDIENCE) };
        let mut street = Street::set(set(Settings { login: Some(login), ..Settings::default() }));
        let routes = Router::new()
            .route("/realm/.well-known/openid-configuration", get(discovery))
            .route("/realm/jwks", get(jwks))
            .with_state(Arc::clone(&said));
        street.beside(async move { axum::serve(listener, routes).await.unwrap() });
        (Self { address, said }, street)
    }

    /// What it answers from now on.
    pub(crate) fn tells(&self, keys: Option<Vec<Value>>) {
        *self.said.keys.lock().unwrap() = keys;
    }

    /// How often it was asked for its keys.
    pub(crate) fn asked(&self) -> u32 {
        self.said.asked.load(Ordering::SeqCst)
    }

    /// What a right token says, but for what is said here; null takes away.
    pub(crate) fn claims(&self, other: &Value) -> String {
        let mut claims = json!({
            "iss": format!("http://{}/realm", self.address), "sub": "usr_ann", "aud": AUDIENCE,
            "exp": now_s() + 300, "iat": now_s(), "roles": ["guest"],
        });
        for (name, value) in other.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims.to_string()
    }
}

pub(crate) fn now_s() -> i64 {
    TokioEnv::new(None).unwrap().wall_ms() / 1_000
}

async fn discovery(State(said): State<Arc<Said>>) -> Json<Value> {
    let issuer = format!("http://{}/realm", said.address);
    Json(json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/jwks") }))
}

async fn jwks(State(said): State<Arc<Said>>) -> impl IntoResponse {
    said.asked.fetch_add(1, Ordering::SeqCst);
    match said.keys.lock().unwrap().clone() {
        Some(keys) => Json(json!({ "keys": keys })).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
