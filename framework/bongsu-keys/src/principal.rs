//! How a service knows who is asking: the gateway signs it, for that service, those it asks, and a moment.
//!
//! `x-bongsu-principal: JWT`, compact, which any language can read: `alg` is `EdDSA` (Ed25519, RFC 8037), `iss` the gateway,
//! `aud` the service, or a list of it and those it declares to ask, `sub` the person, `roles` what else is known of him, `visitor` who was
//! there before he logged in, `iat` and `exp` at most [`LIFE_S`] apart. The
//! gateway alone has the private key; a service has the public one, and so cannot name anybody to another.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use lru::LruCache;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{GATEWAY, hex};

/// The header that says who is asking.
pub const PRINCIPAL: &str = "x-bongsu-principal";
/// So many seconds it counts.
pub const LIFE_S: i64 = 60;
/// Made anew as often: what a person asks of a service within half a minute bears the same one.
const STEP_S: i64 = 30;
/// Clocks of machines differ: it may seem to come so many seconds from the future, or to have ended so many ago.
pub const LEEWAY_S: i64 = 5;
/// Longest one that is looked at, in bytes: a name has at most 255, and roles are few.
const LONGEST: usize = 4_096;
/// So many are remembered, of 1 KiB or less each: more people at once are signed and verified again.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("some");
/// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7).
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// Who is asking, as the gateway knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Vouched {
    /// Who.
    #[serde(rename = "sub")]
    pub name: String,
    /// What else is known of him: `guest`, `keeper`…
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Who was in the same browser without a login, `vis_…`; a visitor himself is that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<String>,
}

impl Vouched {
    /// Somebody of whom nothing else is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), roles: Vec::new(), visitor: None }
    }

    /// Whoever came without a login.
    pub fn visiting(id: impl Into<String>) -> Self {
        let id = id.into();
        Self { visitor: Some(id.clone()), ..Self::named(id) }
    }
}

/// For whom a token is: a service, and those it declares to ask on somebody's behalf. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Audience(Arc<[String]>);

impl Audience {
    /// One service that asks nobody.
    pub fn one(service: &str) -> Self {
        Self(Arc::new([service.to_owned()]))
    }

    /// A service and those it asks.
    pub fn of<'n>(service: &'n str, asks: impl IntoIterator<Item = &'n String>) -> Self {
        Self([service].into_iter().chain(asks.into_iter().map(String::as_str)).map(str::to_owned).collect())
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: Aud,
    #[serde(flatten)]
    vouched: Vouched,
    iat: i64,
    exp: i64,
}

/// As RFC 7519 has it: a name, or a list of names.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Aud {
    One(String),
    Some(Vec<String>),
}

impl Aud {
    fn of(audience: &Audience) -> Self {
        match &*audience.0 {
            [one] => Self::One(one.clone()),
            some => Self::Some(some.to_vec()),
        }
    }

    fn has(&self, service: &str) -> bool {
        match self {
            Self::One(one) => one == service,
            Self::Some(some) => some.iter().any(|one| one == service),
        }
    }
}

/// What the gateway signs with, and what it signed.
pub(crate) struct Signer {
    key: EncodingKey,
    said: Mutex<LruCache<(Audience, Vouched, i64), Arc<str>>>,
}

impl Signer {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        let key = EncodingKey::from_ed_der(&[&PKCS8[..], seed].concat());
        Self { key, said: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Names somebody to some services, now.
    pub(crate) fn vouch(&self, audience: &Audience, vouched: &Vouched, now_ms: i64) -> Option<Arc<str>> {
        let iat = now_ms.div_euclid(1_000 * STEP_S) * STEP_S;
        let what = (audience.clone(), vouched.clone(), iat);
        if let Some(said) = locked(&self.said).get(&what) {
            return Some(Arc::clone(said));
        }
        let iss = GATEWAY.to_owned();
        let aud = Aud::of(audience);
        let claims = Claims { iss, aud, vouched: vouched.clone(), iat, exp: iat.saturating_add(LIFE_S) };
        let said: Arc<str> = self.sign(&claims)?.into();
        locked(&self.said).put(what, Arc::clone(&said));
        Some(said)
    }

    pub(crate) fn sign(&self, claims: &impl Serialize) -> Option<String> {
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &self.key).ok()
    }
}

/// What a service recognises the gateway by, and what it has verified.
pub(crate) struct Verifier {
    keys: Vec<DecodingKey>,
    heard: Mutex<LruCache<String, Claims>>,
}

impl Verifier {
    /// By the public keys of the roots that count.
    pub(crate) fn new(keys: &[[u8; 32]]) -> Self {
        let keys = keys.iter().map(|key| DecodingKey::from_ed_der(key)).collect();
        Self { keys, heard: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Whom the gateway names to the service of that name, now.
    pub(crate) fn vouched(&self, token: &str, service: &str, now_ms: i64) -> Option<Vouched> {
        let now_s = now_ms.div_euclid(1_000);
        let claims = self.claims(token)?;
        let is_now = claims.iat <= now_s.saturating_add(LEEWAY_S)
            && claims.exp > now_s.saturating_sub(LEEWAY_S)
            && claims.exp.saturating_sub(claims.iat) <= LIFE_S;
        (is_now && claims.iss == GATEWAY && claims.aud.has(service)).then_some(claims.vouched)
    }

    /// What was signed, if the gateway signed it.
    fn claims(&self, token: &str) -> Option<Claims> {
        if let Some(heard) = locked(&self.heard).get(token) {
            return Some(heard.clone());
        }
        let claims: Claims = self.read(token)?;
        locked(&self.heard).put(token.to_owned(), claims.clone());
        Some(claims)
    }

    /// As [`claims`](Self::claims), whatever they are, and not remembered.
    pub(crate) fn read<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        if token.len() > LONGEST {
            return None;
        }
        // Times, audience and issuer are compared by who asked, by his clock.
        let mut how = Validation::new(Algorithm::EdDSA);
        how.validate_exp = false;
        how.validate_aud = false;
        how.required_spec_claims.clear();
        let mut read = self.keys.iter().filter_map(|key| jsonwebtoken::decode::<T>(token, key, &how).ok());
        Some(read.next()?.claims)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The public key that goes with a seed, in hexadecimal digits.
pub(crate) fn public(seed: &[u8; 32]) -> Option<String> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    let bytes: &[u8; 32] = pair.public_key().as_ref().try_into().ok()?;
    Some(hex::encode(bytes))
}
