//! What can be set from outside, beside the limits every process has.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bongsu_host::config::{Config, Limits, within};
use bongsu_host::principal::is_a_name;
use bongsu_keys::{GATEWAY, Keys};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::breaker::{self, Rules};
use crate::compression::Compression;
use crate::cors::{self, Cors};
use crate::fallback::{self, Fallback};
use crate::headers::{self, Headers};
use crate::login::Login;
use crate::rates::{self, Rate};
use crate::rewrite::{self, Rewrite};
use crate::sessions::{Sessions, Shelf};
use crate::tls::{self, Tls};

/// Longer is no secret that an issuer gives.
const LONGEST_SECRET: usize = 512;

/// The gateway's own settings: the `[service]` table of its configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Who everybody is where nobody can log in; nobody is anybody when it is empty.
    #[serde(deserialize_with = "name_or_nobody")]
    pub principal: String,
    /// Whose access tokens say who is asking; without it nobody can log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// How browsers log in and stay so; without it a token is all that says who is asking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
    /// A safe or keyed request waits so long for an instance that is about to be ready.
    #[serde(deserialize_with = "within::<_, _, 0, 60_000>")]
    pub wait_ms: u64,
    /// When the breaker of a route opens; without them there are none.
    #[serde(deserialize_with = "breaker::read", serialize_with = "breaker::write")]
    pub breaker: Option<Rules>,
    /// What is answered while it is open.
    #[serde(deserialize_with = "fallback::read")]
    pub fallback: Vec<Fallback>,
    /// So many bytes the last good answers take, all together.
    #[serde(deserialize_with = "within::<_, _, 1_024, 1_073_741_824>")]
    pub last_good_bytes: usize,
    /// How often something may be asked.
    #[serde(deserialize_with = "rates::read")]
    pub rates: Vec<Rate>,
    /// Paths that services know by another name.
    #[serde(deserialize_with = "rewrite::read")]
    pub rewrite: Vec<Rewrite>,
    /// Header lines that are added and taken out.
    #[serde(deserialize_with = "headers::read")]
    pub headers: Vec<Headers>,
    /// Pages of other addresses that may ask here.
    #[serde(deserialize_with = "cors::read")]
    pub cors: Vec<Cors>,
    /// Which answers are made smaller; without it none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// Where TLS and HTTP/2 are spoken, beside the plain address; without it nowhere.
    #[serde(deserialize_with = "tls::read", skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// A WebSocket on which nothing is said for so long is closed; what keeps one open says something more often.
    #[serde(deserialize_with = "within::<_, _, 1, 86_400>")]
    pub websocket_idle_s: u64,
    /// Streams and WebSockets that one caller may have open: a person, a visitor, else an address; one more is 429.
    #[serde(deserialize_with = "within::<_, _, 1, 1_048_576>")]
    pub streams_per_caller: usize,
    /// Limits on what a client may ask for; taken from the host's `[limits]`.
    #[serde(skip)]
    pub limits: Limits,
    /// How operators are recognised, and how services recognise the gateway. Without it nobody is an operator, and no
    /// service with keys believes who is asking.
    #[serde(skip)]
    pub keys: Option<Keys>,
    /// Where sessions are kept. Without it, or without keys, there are none.
    #[serde(skip)]
    pub shelf: Option<Shelf>,
    /// The gateway's secret at the issuer, if it has one.
    #[serde(skip)]
    pub client_secret: Option<Secret>,
    /// Where what operators hold of breakers is written down; without it, it ends with the gateway.
    #[serde(skip)]
    pub held: Option<PathBuf>,
    /// What this gateway is called among others.
    #[serde(skip)]
    pub slot: String,
    /// The name of the configuration that all this is.
    #[serde(skip)]
    pub revision: String,
    /// Names the gateway is reached by, beside IP addresses and `localhost`.
    #[serde(skip)]
    pub hosts: Vec<String>,
}

/// A secret, which is never shown, whatever prints what holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(crate) String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Settings {
    /// What is taken while the gateway runs. Everything else would end connections, or let somebody in who was not.
    pub const LIVE: &[&str] = &[
        "service.rates",
        "service.breaker",
        "service.fallback",
        "service.wait_ms",
        "limits.request_timeout_ms",
        "limits.body_bytes",
    ];

    /// With the limits and names of that configuration.
    #[must_use]
    pub fn limited_as(mut self, config: &Config) -> Self {
        self.limits = config.limits.clone();
        self.hosts = config.host_names();
        self.slot = config.slot.clone();
        self.revision = config.revision.clone();
        self
    }

    /// With everything another configuration says that is taken while the gateway runs, see [`Settings::LIVE`].
    #[must_use]
    pub fn changed_to(&self, next: Self, config: &Config) -> Self {
        let Self { rates, breaker, fallback, wait_ms, .. } = next;
        let Limits { request_timeout_ms, body_bytes, .. } = config.limits;
        let limits = Limits { request_timeout_ms, body_bytes, ..self.limits.clone() };
        Self { rates, breaker, fallback, wait_ms, limits, revision: config.revision.clone(), ..self.clone() }
    }

    /// With the keys of this process.
    #[must_use]
    pub fn with_keys(self, keys: Option<Keys>) -> Self {
        Self { keys, ..self }
    }

    /// With a place where sessions are kept.
    #[must_use]
    pub fn with_shelf(self, shelf: Option<Shelf>) -> Self {
        Self { shelf, ..self }
    }

    /// With what is in the file that `sessions.secret_file` names.
    ///
    /// # Errors
    /// One line for a file that cannot be read, or has no secret in it; and for sessions of which there could be none: without
    /// a login, or keys to sign with.
    pub fn with_client_secret(self) -> Result<Self, String> {
        let Some(sessions) = &self.sessions else { return Ok(self) };
        if self.login.is_none() {
            return Err("sessions: without 'login' nobody can log in".to_owned());
        }
        if self.keys.is_none() {
            return Err("sessions: this gateway has no keys to sign with".to_owned());
        }
        let Some(file) = &sessions.secret_file else { return Ok(self) };
        let bad = |why: &str| format!("sessions.secret_file {}: {why}", file.display());
        let read = std::fs::read_to_string(file).map_err(|why| bad(&why.to_string()))?;
        let secret = read.trim().to_owned();
        if secret.is_empty() || secret.len() > LONGEST_SECRET || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad("a secret is one line of visible ASCII"));
        }
        Ok(Self { client_secret: Some(Secret(secret)), ..self })
    }

    /// `wait_ms` as a duration.
    pub fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            principal: "demo".into(),
            login: None,
            sessions: None,
            // What a killed service may take to be back.
            wait_ms: 1_000,
            breaker: Some(Rules::default()),
            fallback: Vec::new(),
            // Some thousand answers.
            last_good_bytes: 8 << 20,
            rates: Vec::new(),
            rewrite: Vec::new(),
            headers: Vec::new(),
            cors: Vec::new(),
            compression: None,
            tls: None,
            // Four times as long as a library that keeps one open is silent.
            websocket_idle_s: 120,
            // More tabs than one looks at, and a sixteenth of all places.
            streams_per_caller: 16,
            limits: Limits::default(),
            keys: None,
            shelf: None,
            client_secret: None,
            held: None,
            slot: GATEWAY.to_owned(),
            revision: String::new(),
            hosts: Vec::new(),
        }
    }
}

/// A principal that services believe, or none.
fn name_or_nobody<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.is_empty() || is_a_name(&name) {
        return Ok(name);
    }
    Err(D::Error::custom(format!("must be at most 255 visible characters of ASCII, without blanks, not {name:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_no_client_would_wait_is_refused_with_its_range() {
        for bad in ["-1", "60001", "9223372036854775807", "\"soon\""] {
            let settings = format!("{{\"wait_ms\":{bad}}}");
            let why = serde_json::from_str::<Settings>(&settings).expect_err(bad).to_string();
            assert!(why.contains("a whole number from 0 to 60000"), "{why}");
        }
        assert_eq!(serde_json::from_str::<Settings>("{\"wait_ms\":0}").expect("no wait").wait_ms, 0);
    }

    #[test]
    fn a_secret_is_one_line_of_a_file_and_sessions_need_a_login_and_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("at-the-issuer");
        let keys = folder.path().join("gateway.json");
        let roots = bongsu_keys::Roots::open_or_make(folder.path()).expect("roots");
        roots.write_keys(&keys, GATEWAY).expect("keys");
        let keys = Keys::open(&keys).ok();
        let sessions = Sessions { secret_file: Some(file.clone()), ..Sessions::of("https://house.example", "gateway") };
        let login = Some(Login::of("https://id.example", "house"));
        let settings = Settings { sessions: Some(sessions), login, keys, ..Settings::default() };
        let read = || settings.clone().with_client_secret();
        assert!(read().expect_err("no file").contains("sessions.secret_file"));
        for bad in ["", "\n", "two words", "two\nlines", "비밀", &"a".repeat(513)] {
            std::fs::write(&file, bad).expect("a file");
            assert!(read().expect_err(bad).contains("one line of visible ASCII"), "{bad:.20}");
        }
        std::fs::write(&file, "a+secret\n").expect("a file");
        assert_eq!(read().expect("a secret").client_secret, Some(Secret("a+secret".into())));
        assert!(!format!("{:?}", read()).contains("a+secret"), "it is never shown");
        let refused = |settings: Settings| settings.with_client_secret().expect_err("no sessions");
        assert!(refused(Settings { login: None, ..settings.clone() }).contains("without 'login'"));
        assert!(refused(Settings { keys: None, ..settings.clone() }).contains("no keys"));
        assert_eq!(Settings::default().with_client_secret().expect("none").client_secret, None);
    }

    #[test]
    fn a_principal_that_no_service_would_believe_is_refused_when_the_gateway_starts() {
        let of = |name: &str| serde_json::from_value::<Settings>(serde_json::json!({ "principal": name }));
        for bad in ["a\nb", "a\tb", "\u{7f}", "a b", " ", "문", &"a".repeat(256)] {
            let why = of(bad).expect_err(bad).to_string();
            assert!(why.contains("visible characters of ASCII") && !why.contains('\n'), "{why}");
        }
        for good in ["", "demo", "a@b.example", &"a".repeat(255)] {
            assert_eq!(of(good).expect(good).principal, good);
        }
    }
}
