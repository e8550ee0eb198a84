//! The keys of an issuer, and where its places are: found by its discovery document, asked for again when one is unknown, kept while it is down.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bongsu_host::HyperClient;
use bongsu_runtime::ports::env::{HttpClient as _, HttpRequest};
use bytes::Bytes;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Login;
use super::token::{Judged, RightTokens, Tokens};

/// An issuer that does not answer so long does not answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// As often it is asked while nothing is known: it may be about to start, beside us.
const SOON: Duration = Duration::from_millis(200);
/// More keys than any provider has at a time; the rest is not looked at.
const MOST_KEYS: usize = 64;

/// One provider.
pub(crate) struct Issuer {
    login: Login,
    http: HyperClient,
    tokens: Tokens,
    keys: RwLock<Option<Arc<KeySet>>>,
    /// Held while it is asked: everybody else waits for the same answer.
    asked: Mutex<Asked>,
    /// So long somebody waits for one that never told anything: it may be about to start, beside us.
    patience: Duration,
}

/// When something was last done.
#[derive(Default)]
struct Asked {
    asked: Option<Instant>,
    complained: Option<Instant>,
}

/// What an issuer showed at some moment, and what was found right by it: what a key signed that is gone counts no longer.
pub(crate) struct KeySet {
    /// By `kid`; a key without one is under the empty name.
    pub(crate) keys: BTreeMap<String, Known>,
    pub(crate) right: RightTokens,
    endpoints: Arc<Endpoints>,
}

/// Where its places are, as far as it has them (OpenID Connect Discovery, section 3).
#[derive(Debug, Deserialize)]
pub(crate) struct Endpoints {
    #[serde(rename = "authorization_endpoint")]
    pub(crate) authorization: Option<String>,
    #[serde(rename = "token_endpoint")]
    pub(crate) token: Option<String>,
    #[serde(rename = "userinfo_endpoint")]
    pub(crate) userinfo: Option<String>,
    #[serde(rename = "revocation_endpoint")]
    pub(crate) revocation: Option<String>,
    #[serde(rename = "end_session_endpoint")]
    pub(crate) end_session: Option<String>,
}

/// One key, and the only algorithm it may be used with.
pub(crate) struct Known {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
    #[serde(flatten)]
    endpoints: Endpoints,
}

impl Issuer {
    pub(crate) fn new(login: Login, patience: Duration) -> Self {
        let tokens = Tokens::new(&login);
        Self { login, http: HyperClient::new(), tokens, keys: RwLock::default(), asked: Mutex::default(), patience }
    }

    /// Who shows that token at that moment, and until when it counts; 0 for one that does not.
    pub(crate) fn judge_until(&self, token: &str, now_ms: i64) -> (Judged, u64) {
        self.tokens.judge(token, self.known().as_deref(), now_ms)
    }

    /// What an ID token says, if it is for that client, of that login and of now.
    pub(crate) fn identified(
        &self,
        token: &str,
        client: &str,
        nonce: &str,
        now_ms: i64,
    ) -> Result<Map<String, Value>, Judged> {
        self.tokens.identified(token, client, nonce, self.known().as_deref(), now_ms)
    }

    /// The roles in what it says of somebody; `None` where it says none.
    pub(crate) fn roles(&self, said: &Map<String, Value>) -> Option<Vec<String>> {
        self.tokens.roles_said(said)
    }

    /// Where its places are, once it was asked.
    pub(crate) fn endpoints(&self) -> Option<Arc<Endpoints>> {
        self.known().map(|known| Arc::clone(&known.endpoints))
    }

    /// How it is called.
    pub(crate) fn name(&self) -> &str {
        &self.login.issuer
    }

    fn known(&self) -> Option<Arc<KeySet>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks for the keys, unless that was just done; again and again for a while where nothing was ever known.
    pub(crate) async fn ask(&self) {
        let until = Instant::now() + self.patience;
        self.ask_once().await;
        while self.known().is_none() && Instant::now() < until {
            tokio::time::sleep(self.pause()).await;
            self.ask_once().await;
        }
    }

    /// What is known stays when there is no answer.
    async fn ask_once(&self) {
        let mut last = self.asked.lock().await;
        if last.asked.is_some_and(|at| at.elapsed() < self.pause()) {
            return;
        }
        last.asked = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
            }
            Err(why) if last.complained.is_none_or(|at| at.elapsed() >= self.login.cooldown()) => {
                last.complained = Some(Instant::now());
                tracing::warn!(issuer = self.login.issuer, reason = why, "the issuer did not tell its keys");
            }
            Err(_) => {}
        }
    }

    /// Not asked again before.
    fn pause(&self) -> Duration {
        if self.known().is_some() { self.login.cooldown() } else { SOON.min(self.login.cooldown()) }
    }

    /// Asks again and again, for ever; often as long as nothing is known.
    pub(crate) async fn tend(&self) {
        loop {
            self.ask_once().await;
            tokio::time::sleep(if self.known().is_some() { self.login.refresh() } else { self.pause() }).await;
        }
    }

    async fn fetch(&self) -> Result<KeySet, String> {
        let address = format!("{}/.well-known/openid-configuration", self.login.issuer);
        let discovery: Discovery = self.get(address).await?;
        if discovery.issuer != self.login.issuer {
            return Err(format!("it says it is {:?}", discovery.issuer));
        }
        let found: JwkSet = self.get(discovery.jwks_uri).await?;
        let keys: BTreeMap<String, Known> = found.keys.iter().take(MOST_KEYS).filter_map(known).collect();
        if keys.is_empty() {
            return Err("none of its keys can be used".into());
        }
        Ok(KeySet { keys, right: RightTokens::default(), endpoints: Arc::new(discovery.endpoints) })
    }

    async fn get<T: DeserializeOwned>(&self, url: String) -> Result<T, String> {
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        let request = HttpRequest { method: "GET", url: url.clone(), headers, body: Bytes::new(), deadline: PATIENCE };
        let answer = self.http.send(request).await.map_err(|error| format!("{url}: {error}"))?;
        if answer.status != 200 {
            return Err(format!("{url}: {}", answer.status));
        }
        serde_json::from_slice(&answer.body).map_err(|error| format!("{url}: {error}"))
    }
}

/// A key that may verify: public, for signatures, of a kind that is allowed. The key says the algorithm, never the token.
fn known(jwk: &Jwk) -> Option<(String, Known)> {
    if jwk.common.public_key_use.as_ref().is_some_and(|what| *what != PublicKeyUse::Signature) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == jsonwebtoken::jwk::EllipticCurve::P256 => {
            Algorithm::ES256
        }
        // Fewer than 2 048 bits verify nothing.
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::OctetKeyPair(_) => Algorithm::EdDSA,
        _ => return None,
    };
    let said = jwk.common.key_algorithm.map(|said| said.to_string());
    if said.is_some_and(|said| said != format!("{algorithm:?}")) {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some((jwk.common.key_id.clone().unwrap_or_default(), Known { algorithm, key }))
}
