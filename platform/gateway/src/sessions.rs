//! Browsers in which somebody is logged in: the gateway sends them to the issuer, keeps what the issuer gave, and gives the
//! browser a name for it, which nobody can do anything with but ask here.
//!
//! [`Sessions`] is what can be set. `flow.rs` answers the browser, `state.rs` binds a login to the browser it was begun in,
//! `back.rs` says where it may return to; `keeper.rs` knows who is in a session now, `shelf.rs` keeps them through a crash,
//! `provider.rs` asks the issuer. Sessions are the gateway's own, not the issuer's: while that is down, they go on
//! (docs/decisions/0034-sessions-of-the-gateway.md).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bongsu_host::config::within;
use http::Uri;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::login::Issuer;
use crate::settings::Settings;

mod back;
pub(crate) mod cookies;
mod shelf;
mod state;
mod provider;
mod keeper;
mod flow;

pub(crate) use flow::{Flow, SECRET, unavailable};
pub(crate) use keeper::{Found, Keeper};
use provider::Provider;
pub use shelf::Shelf;
pub(crate) use shelf::digest;

/// What knows of browsers, in one gateway.
#[derive(Clone)]
pub(crate) struct Browsers {
    pub(crate) flow: Arc<Flow>,
    pub(crate) keeper: Arc<Keeper>,
}

impl Browsers {
    /// As far as it is set, and there is something to sign with and to keep it in.
    pub(crate) fn of(settings: &Settings, issuer: &Arc<Issuer>) -> Option<Self> {
        let (sessions, keys, shelf) = (settings.sessions.clone()?, settings.keys.clone()?, settings.shelf.clone()?);
        let provider = Provider::new(Arc::clone(issuer), sessions.clone(), settings.client_secret.clone());
        let provider = Arc::new(provider);
        let keeper = Arc::new(Keeper::new(shelf, Arc::clone(&provider), sessions.clone()));
        let flow = Arc::new(Flow::new(sessions, keys, provider, Arc::clone(&keeper)));
        Some(Self { flow, keeper })
    }
}

/// How browsers log in here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Where browsers reach the gateway: scheme, host and port. The issuer sends them back below it.
    #[serde(deserialize_with = "origin")]
    pub origin: String,
    /// The gateway's name at the issuer.
    #[serde(deserialize_with = "word")]
    pub client: String,
    /// The file with the gateway's secret at the issuer; without one it is a public client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// What is asked for.
    #[serde(default = "scopes", deserialize_with = "words")]
    pub scopes: Vec<String>,
    /// What stands before `/login`, `/login/callback`, `/logout` and `/session`: nothing, or a path.
    #[serde(default, deserialize_with = "under")]
    pub under: String,
    /// A session that nobody uses ends after so many seconds.
    #[serde(default = "idle", deserialize_with = "within::<_, _, 60, 31_536_000>")]
    pub idle_s: i64,
    /// And any session after so many.
    #[serde(default = "life", deserialize_with = "within::<_, _, 60, 31_536_000>")]
    pub life_s: i64,
    /// The issuer is asked as often whether somebody who asks something may still, and as what; in seconds.
    #[serde(default = "check", deserialize_with = "within::<_, _, 1, 60>")]
    pub check_s: u64,
    /// So many sessions one person has; one more ends the one that was used longest ago.
    #[serde(default = "most", deserialize_with = "within::<_, _, 1, 100>")]
    pub most: usize,
}

impl Sessions {
    /// A public client of that name.
    pub fn of(origin: &str, client: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            client: client.to_owned(),
            secret_file: None,
            scopes: scopes(),
            under: String::new(),
            idle_s: idle(),
            life_s: life(),
            check_s: check(),
            most: most(),
        }
    }

    pub(crate) fn check(&self) -> Duration {
        Duration::from_secs(self.check_s)
    }

    /// A place of the gateway's own, as a path.
    pub(crate) fn path(&self, place: &str) -> String {
        format!("{}/{place}", self.under)
    }

    /// Where the issuer sends a browser back to.
    pub(crate) fn callback(&self) -> String {
        format!("{}{}", self.origin, self.path("login/callback"))
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, authority)| authority)
    }
}

/// Every provider knows the first two.
fn scopes() -> Vec<String> {
    ["openid", "profile"].map(str::to_owned).into()
}

/// Two days: over a day on which somebody does not look.
fn idle() -> i64 {
    172_800
}

/// Two weeks, as our issuer's refresh tokens.
fn life() -> i64 {
    1_209_600
}

/// With what the answer takes, a lock holds within five seconds.
fn check() -> u64 {
    4
}

/// More browsers than a person has.
fn most() -> usize {
    20
}

/// A scheme with a host, as a browser says it: a cookie marked `Secure` is taken over https, and on one's own machine.
fn origin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let uri: Option<Uri> = text.parse().ok();
    let scheme = uri.as_ref().and_then(Uri::scheme_str).unwrap_or_default();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let is_here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    let is_plain = text.to_lowercase() == text && !text.contains('@');
    let is_whole = uri.as_ref().and_then(Uri::authority).is_some_and(|at| text == format!("{scheme}://{at}"));
    if is_plain && is_whole && (scheme == "https" || scheme == "http" && is_here) {
        return Ok(text);
    }
    Err(D::Error::custom(format!(
        "must be like 'https://host', or 'http://127.0.0.1:8080' on this machine, not {text:?}"
    )))
}

fn is_word(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_word(&text) { Ok(text) } else { Err(D::Error::custom("must be 1 to 100 visible characters of ASCII")) }
}

fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let all = Vec::<String>::deserialize(deserializer)?;
    match all.iter().all(|text| is_word(text)) && all.iter().any(|text| text == "openid") {
        true => Ok(all),
        false => Err(D::Error::custom("must be scopes, with 'openid' among them")),
    }
}

fn under<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match text.is_empty() || text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_part)) {
        true => Ok(text),
        false => Err(D::Error::custom(format!("must be empty or like '/auth', not {text:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with(name: &str, value: Value) -> Result<Sessions, String> {
        let mut all = json!({ "origin": "http://127.0.0.1:8080", "client": "gateway" });
        all[name] = value;
        serde_json::from_value(all).map_err(|error| error.to_string())
    }

    #[test]
    fn what_can_be_set_is_read_and_the_rest_is_usual() {
        let read = with("under", json!("/auth")).expect("settings");
        assert_eq!(read, Sessions { under: "/auth".into(), ..Sessions::of("http://127.0.0.1:8080", "gateway") });
        assert_eq!(read.callback(), "http://127.0.0.1:8080/auth/login/callback");
        for good in ["https://house.example", "https://house.example:8443", "http://localhost:1", "http://[::1]:1"] {
            assert_eq!(with("origin", json!(good)).expect(good).origin, good);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let origins = [
            "",
            "house",
            "http://house.example",
            "https://a/",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "https://A",
        ];
        for bad in origins.iter().chain(&["ftp://a", "https://", "http://127.0.0.1:8080/"]) {
            assert!(with("origin", json!(bad)).expect_err(bad).contains("must be like 'https://host'"), "{bad}");
        }
        for bad in ["/", "auth", "/auth/", "//a", "/a//b", "/../b", "/a b", "/a?b"] {
            assert!(with("under", json!(bad)).expect_err(bad).contains("must be empty or like"), "{bad}");
        }
        for (name, bad) in [("idle_s", 59), ("life_s", 0), ("check_s", 0), ("check_s", 61), ("most", 0), ("most", 101)]
        {
            assert!(with(name, json!(bad)).expect_err(name).contains("a whole number from"), "{name}");
        }
        assert!(with("client", json!("")).is_err() && with("client", json!("a b")).is_err());
        assert!(with("scopes", json!(["profile"])).expect_err("no openid").contains("'openid' among them"));
        assert!(with("cookie", json!("x")).expect_err("unknown").contains("unknown field"));
    }
}
