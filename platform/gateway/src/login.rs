//! Who is asking, by the access token of an OpenID Connect provider: ours, or any other that signs JWTs.
//!
//! [`Login`] says whose tokens count. `issuer.rs` keeps that provider's keys, `token.rs` reads what they signed.

use std::time::Duration;

use bongsu_host::config::within;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

mod issuer;
mod token;

pub(crate) use issuer::{Endpoints, Issuer};
pub(crate) use token::Judged;

/// Whose tokens count, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The provider's issuer URL: what stands in `iss`, and before `/.well-known/openid-configuration`.
    #[serde(deserialize_with = "url")]
    pub issuer: String,
    /// What must be among `aud`.
    #[serde(deserialize_with = "filled")]
    pub audience: String,
    /// Where in a token the roles are, dots between: `roles`, `realm_access.roles`.
    #[serde(default = "roles", deserialize_with = "filled")]
    pub roles: String,
    /// Differing clocks: so many seconds a token may seem to come from the future, or have ended.
    #[serde(default = "leeway", deserialize_with = "within::<_, _, 0, 60>")]
    pub leeway_s: u64,
    /// The provider's keys are asked for as often, in seconds.
    #[serde(default = "refresh", deserialize_with = "within::<_, _, 1, 86_400>")]
    pub refresh_s: u64,
    /// A token of an unknown key makes the gateway ask for the keys again, but not more often, in seconds.
    #[serde(default = "cooldown", deserialize_with = "within::<_, _, 1, 3_600>")]
    pub cooldown_s: u64,
}

impl Login {
    /// The tokens of that provider for that audience.
    pub fn of(issuer: &str, audience: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            roles: roles(),
            leeway_s: leeway(),
            refresh_s: refresh(),
            cooldown_s: cooldown(),
        }
    }

    pub(crate) fn refresh(&self) -> Duration {
        Duration::from_secs(self.refresh_s)
    }

    pub(crate) fn cooldown(&self) -> Duration {
        Duration::from_secs(self.cooldown_s)
    }
}

fn roles() -> String {
    "roles".into()
}

/// What RFC 7519 calls "a few minutes at most"; more would prolong every token.
fn leeway() -> u64 {
    30
}

/// A key that a provider took away counts no longer after this.
fn refresh() -> u64 {
    300
}

fn cooldown() -> u64 {
    10
}

/// An absolute address without query and fragment (OpenID Connect Discovery, section 2).
fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let url = String::deserialize(deserializer)?;
    let parsed: Result<http::Uri, _> = url.parse();
    let fits = parsed.is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none());
    if fits && !url.contains('#') && !url.ends_with('/') {
        return Ok(url);
    }
    Err(D::Error::custom(format!("must be an http or https address without '?', '#' and a last '/', not {url:?}")))
}

fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(D::Error::custom("must not be empty")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_that_cannot_be_asked_is_refused_by_name() {
        let of =
            |issuer: &str| serde_json::from_value::<Login>(serde_json::json!({ "issuer": issuer, "audience": "a" }));
        for bad in ["", "identity", "ftp://a", "http://a?x", "http://a#x", "http://a/", "//a", "http://"] {
            assert!(of(bad).expect_err(bad).to_string().contains("must be an http or https address"), "{bad}");
        }
        assert_eq!(
            of("http://127.0.0.1:8080/identity").expect("one"),
            Login::of("http://127.0.0.1:8080/identity", "a")
        );
    }

    #[test]
    fn numbers_have_ranges_and_an_audience_is_one() {
        let with = |name: &str, value: i64| {
            let login = serde_json::json!({ "issuer": "http://a", "audience": "a", name: value });
            serde_json::from_value::<Login>(login)
        };
        for (name, bad) in
            [("leeway_s", 61), ("leeway_s", -1), ("refresh_s", 0), ("cooldown_s", 0), ("cooldown_s", 3_601)]
        {
            assert!(with(name, bad).expect_err(name).to_string().contains("a whole number from"), "{name}");
        }
        assert!(with("leeway", 1).expect_err("no such setting").to_string().contains("unknown field"));
        let nobody = serde_json::json!({ "issuer": "http://a", "audience": "" });
        assert!(serde_json::from_value::<Login>(nobody).is_err());
    }
}
