//! A browser as far as the gateway knows one: it keeps cookies, and says where a page is from that sends something.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use bongsu_keys::{GATEWAY, Keys, Roots};
use bongsu_runtime::ports::store::Store;
use gateway::{Access, Login, Sessions, Settings, Shelf};
use serde_json::Value;
use tempfile::TempDir;

use crate::issuer::AUDIENCE;
use crate::provider::{Provider, params};
use crate::street::{Response, Street};

/// Where browsers reach the gateway.
pub(crate) const ORIGIN: &str = "http://127.0.0.1:8080";

/// A provider, the keys of a system and a place for sessions: what outlives a gateway.
pub(crate) struct Town {
    pub(crate) provider: Provider,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Keys,
    /// The gateway's at the provider.
    pub(crate) secret: Option<String>,
    folder: TempDir,
}

pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Town {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.json");
        Roots::open_or_make(folder.path()).unwrap().write_keys(&file, GATEWAY).unwrap();
        let keys = Keys::open(&file).unwrap();
        let store = Arc::new(bongsu_memory::MemoryStore::new());
        Self { provider: Provider::open().await, store, keys, secret: None, folder }
    }

    /// Where its secret is.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A gateway of this town; `/open/*` is for everybody, `/bell/*` for visitors, too.
    pub(crate) async fn street(&self, set: impl FnOnce(Sessions) -> Sessions) -> Street {
        self.make(set, |settings| settings)
    }

    /// The same, with other settings beside.
    pub(crate) async fn street_with(&self, set: impl FnOnce(Settings) -> Settings) -> Street {
        self.make(|sessions| sessions, set)
    }

    fn make(&self, sessions: impl FnOnce(Sessions) -> Sessions, set: impl FnOnce(Settings) -> Settings) -> Street {
        let login = Login { cooldown_s: 1, ..Login::of(&self.provider.issuer(), AUDIENCE) };
        let sessions = sessions(Sessions { check_s: 1, ..Sessions::of(ORIGIN, "gateway") });
        let client_secret = self.secret.clone().map(Into::into);
        let settings = Settings { login: Some(login), sessions: Some(sessions), client_secret, ..Settings::default() };
        let shelf = Shelf::new(Arc::clone(&self.store));
        let mut street = Street::set(set(settings).with_keys(Some(self.keys.clone())).with_shelf(Some(shelf)));
        let rule = |who: &str, path: &str| Access {
            service: "door".into(),
            method: "*".into(),
            path: path.into(),
            who: who.into(),
        };
        street.table.access = vec![rule("public", "/open/*"), rule("visitor", "/bell/*"), rule("keeper", "/keep/*")];
        street
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { cookies: BTreeMap::new() }
    }

    /// With these headers beside its cookies.
    pub(crate) async fn ask(
        &mut self,
        street: &Street,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Response {
        let line = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut all = vec![("host", "127.0.0.1:8080")];
        all.extend(headers);
        if !line.is_empty() {
            all.push(("cookie", &line));
        }
        let answer = street.ask_at(method, path, &all).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).unwrap();
            for needed in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Secure", "; Max-Age="] {
                assert!(cookie.contains(needed), "{cookie}");
            }
            assert!(name.starts_with("__Host-") && !cookie.contains("Domain"), "{cookie}");
            match value.is_empty() {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, street: &Street, path: &str) -> Response {
        self.ask(street, "GET", path, &[]).await
    }

    /// From a page of the gateway's own address.
    pub(crate) async fn post(&mut self, street: &Street, path: &str) -> Response {
        self.ask(street, "POST", path, &[("sec-fetch-site", "same-origin"), ("origin", ORIGIN)]).await
    }

    /// Goes to log in; the address at the issuer that it is sent to.
    pub(crate) async fn set_out(&mut self, street: &Street, back: &str) -> String {
        let sent = self.get(street, &format!("/login?return={back}")).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
        sent.headers["location"].to_str().unwrap().to_owned()
    }

    /// The whole way to a session; where it ends.
    pub(crate) async fn log_in(&mut self, street: &Street, town: &Town, back: &str) -> String {
        let sent_to = self.set_out(street, back).await;
        let code = town.provider.consent(&sent_to);
        let came = self.get(street, &callback(&sent_to, &code)).await;
        assert_eq!(came.status, StatusCode::SEE_OTHER, "{}", came.body);
        came.headers["location"].to_str().unwrap().to_owned()
    }

    /// What `/session` says.
    pub(crate) async fn who(&mut self, street: &Street) -> Value {
        let answer = self.get(street, "/session").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.headers["cache-control"], "no-store");
        serde_json::from_str(&answer.body).unwrap()
    }
}

/// Where the issuer sends a browser back to, as a path.
pub(crate) fn callback(sent_to: &str, code: &str) -> String {
    let state = params(sent_to)["state"].clone();
    format!(
        "/login/callback?{}",
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("code", code)
            .append_pair("state", &state)
            .finish()
    )
}
