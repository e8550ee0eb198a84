//! What an access token says, if it is one: signed by a key of the issuer, for us, and now.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use bongsu_host::principal::is_a_name;
use bongsu_keys::{VISITOR, Vouched};
use jsonwebtoken::{Validation, decode, decode_header};
use lru::LruCache;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Login;
use super::issuer::KeySet;

/// Longest token that is looked at, in bytes: a head has 64 KiB at most, and real ones have one or two.
const LONGEST: usize = 8_192;
/// So many tokens are remembered, of some 200 bytes each: more people at once are verified again.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(20_000).expect("some");
/// More roles than that are no roles.
const MOST_ROLES: usize = 32;

/// Who shows a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// Somebody.
    Person(Vouched),
    /// Nobody, and why, in a few words for whoever sent it.
    Refused(&'static str),
    /// It names a key that is not known: the issuer may have a new one.
    UnknownKey,
    /// The issuer never told its keys: nobody can be told from anybody.
    NoKeys,
}

/// What is asked of a token.
pub(crate) struct Tokens {
    issuer: String,
    audience: String,
    roles: String,
    leeway_s: u64,
}

/// Tokens that were found right, by their digests.
pub(crate) struct RightTokens(Mutex<LruCache<[u8; 32], Right>>);

impl Default for RightTokens {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl RightTokens {
    fn get(&self, digest: &[u8; 32]) -> Option<Right> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    fn keep(&self, digest: [u8; 32], right: Right) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(digest, right);
    }
}

#[derive(Clone)]
struct Right {
    person: Vouched,
    from_s: u64,
    until_s: u64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    #[serde(default)]
    iat: u64,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// One, or several (RFC 7519, section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Some(Vec<String>),
}

impl Tokens {
    pub(crate) fn new(login: &Login) -> Self {
        Self {
            issuer: login.issuer.clone(),
            audience: login.audience.clone(),
            roles: login.roles.clone(),
            leeway_s: login.leeway_s,
        }
    }

    /// Who shows it, and until when it counts.
    pub(crate) fn judge(&self, token: &str, keys: Option<&KeySet>, now_ms: i64) -> (Judged, u64) {
        let judged = self.counts(token, keys, now_ms);
        judged.map_or_else(|judged| (judged, 0), |right| (Judged::Person(right.person), right.until_s))
    }

    fn counts(&self, token: &str, keys: Option<&KeySet>, now_ms: i64) -> Result<Right, Judged> {
        if token.len() > LONGEST {
            return Err(Judged::Refused("it is too long"));
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let known = keys.and_then(|keys| keys.right.get(&digest));
        let is_known = known.is_some();
        let right = known.map_or_else(|| self.read(token, keys), Ok)?;
        self.is_now(right.from_s, right.until_s, now_ms)?;
        // One that has expired is not worth a place.
        if let Some(keys) = keys.filter(|_| !is_known) {
            keys.right.keep(digest, right.clone());
        }
        Ok(right)
    }

    /// By our clock, which may differ from the issuer's.
    fn is_now(&self, from_s: u64, until_s: u64, now_ms: i64) -> Result<(), Judged> {
        let now_s = u64::try_from(now_ms.div_euclid(1_000)).unwrap_or(0);
        if until_s.saturating_add(self.leeway_s) <= now_s {
            return Err(Judged::Refused("it has expired"));
        }
        if from_s > now_s.saturating_add(self.leeway_s) {
            return Err(Judged::Refused("it is of the future"));
        }
        Ok(())
    }

    /// What an ID token says (OpenID Connect Core, section 3.1.3.7), if it is for that client, of that login and of now.
    pub(crate) fn identified(
        &self,
        token: &str,
        client: &str,
        nonce: &str,
        keys: Option<&KeySet>,
        now_ms: i64,
    ) -> Result<Map<String, Value>, Judged> {
        let refused = |why| Err(Judged::Refused(why));
        if token.len() > LONGEST {
            return refused("it is too long");
        }
        let claims = Self::signed(token, keys, is_of_identity)?;
        if claims.iss != self.issuer {
            return refused("it is of another issuer");
        }
        let said = |name: &str| claims.rest.get(name).and_then(Value::as_str);
        let is_for_one = matches!(&claims.aud, Audience::One(_)) || said("azp").is_some();
        if !claims.aud.has(client) || !is_for_one || said("azp").is_some_and(|azp| azp != client) {
            return refused("it is for another client");
        }
        if said("nonce") != Some(nonce) {
            return refused("it is of another login");
        }
        self.is_now(claims.nbf.max(claims.iat), claims.exp, now_ms)?;
        let mut told = claims.rest;
        told.insert("sub".to_owned(), claims.sub.into());
        Ok(told)
    }

    /// Everything but the time.
    fn read(&self, token: &str, keys: Option<&KeySet>) -> Result<Right, Judged> {
        self.right(Self::signed(token, keys, is_of_access)?)
    }

    /// What the issuer signed.
    fn signed(token: &str, keys: Option<&KeySet>, is_kind: fn(&str) -> bool) -> Result<Claims, Judged> {
        let refused = |why| Err(Judged::Refused(why));
        let Ok(head) = decode_header(token) else { return refused("it is no JWT of an algorithm that is known") };
        if head.crit.is_some() {
            return refused("it asks for an extension that is not known");
        }
        if head.jku.is_some() || head.jwk.is_some() || head.x5u.is_some() || head.x5c.is_some() {
            return refused("it brings a key of its own");
        }
        if !head.typ.is_none_or(|typ| is_kind(&typ)) {
            return refused("it is of another kind");
        }
        let keys = &keys.ok_or(Judged::NoKeys)?.keys;
        let known = match &head.kid {
            Some(kid) => keys.get(kid),
            // Which one is only clear when there is one.
            None => keys.values().next().filter(|_| keys.len() == 1),
        };
        let Some(known) = known else { return Err(Judged::UnknownKey) };
        if head.alg != known.algorithm {
            return refused("it is signed by another algorithm than its key's");
        }
        // Issuer, audience and times are compared here, by our clock.
        let mut how = Validation::new(known.algorithm);
        how.validate_exp = false;
        how.validate_aud = false;
        how.required_spec_claims.clear();
        match decode::<Claims>(token, &known.key, &how) {
            Ok(read) => Ok(read.claims),
            Err(_) => refused("it is not signed by the issuer, or its claims are none"),
        }
    }

    fn right(&self, claims: Claims) -> Result<Right, Judged> {
        let refused = |why| Err(Judged::Refused(why));
        if claims.iss != self.issuer {
            return refused("it is of another issuer");
        }
        if !claims.aud.has(&self.audience) {
            return refused("it is for another audience");
        }
        if !is_a_name(&claims.sub) || claims.sub.starts_with(VISITOR) {
            return refused("its subject is no name");
        }
        let Some(roles) = self.roles(&claims.rest) else { return refused("its roles are none") };
        let person = Vouched { roles, ..Vouched::named(claims.sub) };
        Ok(Right { person, from_s: claims.nbf.max(claims.iat), until_s: claims.exp })
    }

    /// Names of roles where they should be; none when they are not there, `None` when that is something else.
    fn roles(&self, claims: &Map<String, Value>) -> Option<Vec<String>> {
        let Some(found) = self.found(claims) else { return Some(Vec::new()) };
        let names = found.as_array().filter(|all| all.len() <= MOST_ROLES)?;
        let role = |value: &Value| value.as_str().filter(|role| is_a_role(role)).map(str::to_owned);
        names.iter().map(role).collect()
    }

    /// As [`roles`](Self::roles); `None` also where nothing is said of them.
    pub(crate) fn roles_said(&self, claims: &Map<String, Value>) -> Option<Vec<String>> {
        self.found(claims).and_then(|_| self.roles(claims))
    }

    fn found<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        let (first, below) = self.roles.split_once('.').unwrap_or((&self.roles, ""));
        let below = below.split('.').filter(|name| !name.is_empty());
        let nested = below.fold(claims.get(first), |at, name| at?.get(name));
        // Some providers name a claim by a whole address, which has dots too.
        claims.get(&self.roles).or(nested)
    }
}

impl Audience {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Some(all) => all.iter().any(|one| one == name),
        }
    }
}

/// RFC 9068 has `at+jwt`; others write `JWT`, or nothing.
fn is_of_access(typ: &str) -> bool {
    let typ = typ.strip_prefix("application/").unwrap_or(typ);
    typ.eq_ignore_ascii_case("jwt") || typ.eq_ignore_ascii_case("at+jwt")
}

/// OpenID Connect names none; ours and most write `JWT`.
fn is_of_identity(typ: &str) -> bool {
    typ.eq_ignore_ascii_case("jwt")
}

/// Visible, and without the comma that stands between them.
fn is_a_role(role: &str) -> bool {
    is_a_name(role) && !role.contains(',')
}
