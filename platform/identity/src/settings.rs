//! What can be configured under `[service]`. Whatever cannot be meant is refused at start, by its key.

pub mod clients;

use std::collections::BTreeSet;

use bongsu_host::config::within;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use url::Url;

pub use self::clients::Client;
use crate::person::Role;

/// Where the pages and the protocol are, below the issuer's host.
pub(crate) const PATH: &str = "/identity";

/// What can be configured under `[service]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct Settings {
    /// Who vouches: the address at which clients and browsers reach this service, ending in `/identity`.
    #[serde(deserialize_with = "issuer")]
    pub issuer: String,
    /// For whom access tokens are: the name of the system.
    #[serde(deserialize_with = "word")]
    pub audience: String,
    /// `production`, or `dev`, where people for demonstrations may be made and spoken for.
    pub environment: Environment,
    /// The roles there are.
    #[serde(deserialize_with = "roles")]
    pub roles: BTreeSet<Role>,
    /// Those of somebody who has just signed up.
    #[serde(deserialize_with = "roles")]
    pub newcomers: BTreeSet<Role>,
    /// How long an access token and an ID token live, in seconds: so long a lock or a role may take to hold.
    #[serde(deserialize_with = "within::<_, _, 5, 300>")]
    pub access_token_s: i64,
    /// How long somebody stays logged in at a client without logging in again, in seconds.
    #[serde(deserialize_with = "within::<_, _, 60, 31_536_000>")]
    pub refresh_token_s: i64,
    /// Within so many seconds a refresh token that was just used gets the same successor again: the answer may be lost.
    #[serde(deserialize_with = "within::<_, _, 0, 60>")]
    pub refresh_grace_s: i64,
    /// How long somebody stays logged in here, in seconds.
    #[serde(deserialize_with = "within::<_, _, 60, 31_536_000>")]
    pub session_s: i64,
    /// How long a code can be exchanged, in seconds.
    #[serde(deserialize_with = "within::<_, _, 5, 600>")]
    pub code_s: i64,
    /// How long clients may keep the keys they read, in seconds.
    #[serde(deserialize_with = "within::<_, _, 10, 86_400>")]
    pub key_cache_s: i64,
    /// How long a key signs, in seconds.
    #[serde(deserialize_with = "within::<_, _, 60, 31_536_000>")]
    pub key_life_s: i64,
    /// Who may ask for tokens.
    #[serde(deserialize_with = "clients")]
    pub clients: Vec<Client>,
}

/// What this system is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    #[default]
    Production,
    /// A laptop, a test.
    Dev,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: "http://127.0.0.1:8080/identity".into(),
            audience: "bongsu".into(),
            environment: Environment::Production,
            roles: ["member", "operator"].map(Role::from).into(),
            newcomers: ["member"].map(Role::from).into(),
            access_token_s: 300,
            refresh_token_s: 1_209_600,
            refresh_grace_s: 10,
            session_s: 43_200,
            code_s: 60,
            key_cache_s: 300,
            key_life_s: 2_592_000,
            clients: Vec::new(),
        }
    }
}

impl Settings {
    /// The client of an id.
    pub fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// An address below the issuer's.
    pub(crate) fn at(&self, place: &str) -> String {
        format!("{}/{place}", self.issuer)
    }

    /// Whether a browser sends a cookie marked `Secure` back here: it trusts https, and its own machine.
    pub(crate) fn is_trustworthy(&self) -> bool {
        let at = Url::parse(&self.issuer).ok();
        at.is_some_and(|at| at.scheme() == "https" || is_loopback(&at))
    }

    /// What the keys must be to each other.
    fn check(&self) -> Result<(), String> {
        let stranger = |roles: &BTreeSet<Role>| roles.iter().find(|role| !self.roles.contains(*role)).cloned();
        if let Some(role) = stranger(&self.newcomers) {
            return Err(format!("newcomers: {role:?} is not among the roles"));
        }
        let given = self.clients.iter().find_map(|client| Some((&client.id, stranger(&client.roles)?)));
        if let Some((id, role)) = given {
            return Err(format!("clients: {id} has the role {role:?}, which is not among the roles"));
        }
        let least = 2 * self.key_cache_s + self.access_token_s;
        if self.key_life_s < least {
            return Err(format!("key_life_s: must be at least {least}, twice key_cache_s and access_token_s"));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let settings = Self::deserialize(deserializer)?;
        settings.check().map_err(D::Error::custom)?;
        Ok(settings)
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// Whether an address is on this machine.
pub(crate) fn is_loopback(at: &Url) -> bool {
    match at.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn issuer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let at = Url::parse(&text).map_err(|why| D::Error::custom(format!("{text:?} is no address: {why}")))?;
    let is_plain = at.query().is_none() && at.fragment().is_none() && at.username().is_empty();
    if !matches!(at.scheme(), "http" | "https") || at.path() != PATH || !is_plain || at.as_str() != text {
        return Err(D::Error::custom(format!("{text:?} is not like https://host/identity")));
    }
    if at.scheme() == "http" && !is_loopback(&at) {
        return Err(D::Error::custom(format!("{text:?}: without https it must be on this machine")));
    }
    Ok(text)
}

fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fits = !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text) } else { Err(D::Error::custom(format!("{text:?} is not 1 to 100 visible characters of ASCII"))) }
}

fn roles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Role>, D::Error> {
    let roles = BTreeSet::<Role>::deserialize(deserializer)?;
    match roles.iter().find(|role| !is_role(role)) {
        Some(role) => Err(D::Error::custom(format!("{role:?} is no role: 1 to 32 of a-z and -"))),
        None => Ok(roles),
    }
}

/// Whether a text can be a role.
pub(crate) fn is_role(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn clients<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Client>, D::Error> {
    let clients = Vec::<Client>::deserialize(deserializer)?;
    let mut seen = BTreeSet::new();
    match clients.iter().find(|client| !seen.insert(&client.id)) {
        Some(client) => Err(D::Error::custom(format!("two clients are called {}", client.id))),
        None => Ok(clients),
    }
}
