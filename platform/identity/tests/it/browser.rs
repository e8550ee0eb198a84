//! A browser as far as these pages need one: cookies, forms, and stopping where a redirect leaves the provider.

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;
use url::Url;

use crate::provider::{BACK, Http, Provider, Response, written};

/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A browser with its cookies.
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
    /// Headers beside them.
    pub(crate) extra: Vec<(String, String)>,
    http: Http,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { cookies: BTreeMap::new(), extra: Vec::new(), http: Http::new() }
    }

    async fn send(&mut self, method: Method, url: &str, body: String) -> Response {
        let mut headers = self.extra.clone();
        if !self.cookies.is_empty() {
            let all: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.push(("cookie".into(), all.join("; ")));
        }
        if method == Method::POST {
            headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
        }
        let answer = self.http.send(method, url, &headers, body).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            for needed in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Secure"] {
                assert!(cookie.contains(needed), "{cookie}");
            }
            assert!(name.starts_with("__Host-"), "{cookie}");
            if value.is_empty() {
                self.cookies.remove(name)
            } else {
                self.cookies.insert(name.into(), value.into())
            };
        }
        answer
    }

    pub(crate) async fn get(&mut self, url: &str) -> Response {
        self.send(Method::GET, url, String::new()).await
    }

    pub(crate) async fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Response {
        self.send(Method::POST, url, written(form)).await
    }

    /// Opens a page and sends its form with these fields filled in.
    pub(crate) async fn fill(&mut self, url: &str, fields: &[(&str, &str)]) -> Response {
        let page = self.get(url).await;
        self.submit(&page, fields).await
    }

    /// Sends the form of a page.
    pub(crate) async fn submit(&mut self, page: &Response, fields: &[(&str, &str)]) -> Response {
        let form = page.body.split("<form").nth(1).unwrap_or_else(|| panic!("no form: {page:?}"));
        let action = attribute(form, "action").expect("an action");
        let hidden = form.split("<input").skip(1).filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        let hidden: Vec<(String, String)> =
            hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?))).collect();
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = hidden.chain(fields.iter().copied()).collect();
        self.post(&action, &all).await
    }

    pub(crate) async fn sign_up(&mut self, provider: &Provider, email: &str) {
        self.sign_up_as(provider, email, "Ann Nowhere").await;
    }

    pub(crate) async fn sign_up_as(&mut self, provider: &Provider, email: &str, name: &str) {
        let fields = [("email", email), ("name", name), ("password", PASSWORD)];
        let answer = self.fill(&provider.at("sign-up"), &fields).await;
        assert_eq!(answer.status, 303, "{answer:?}");
    }

    pub(crate) async fn log_in(&mut self, provider: &Provider, email: &str, password: &str) -> Response {
        self.fill(&provider.at("login"), &[("email", email), ("password", password)]).await
    }

    /// What a client's redirect URI is called with.
    pub(crate) async fn authorize(&mut self, provider: &Provider, client: &str, more: &[(&str, &str)]) -> Response {
        self.get(&wish(provider, client, more)).await
    }

    /// A code for a client.
    pub(crate) async fn code(&mut self, provider: &Provider, client: &str) -> String {
        let answer = self.authorize(provider, client, &[]).await;
        sent(&answer)["code"].as_str().unwrap_or_else(|| panic!("no code: {answer:?}")).to_owned()
    }

    /// Tokens for a client, by the whole flow.
    pub(crate) async fn tokens(&mut self, provider: &Provider, client: &str) -> Value {
        let code = self.code(provider, client).await;
        let answer = exchange(provider, client, &code).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

/// An address at which a client sends a browser.
pub(crate) fn wish(provider: &Provider, client: &str, more: &[(&str, &str)]) -> String {
    let mut all: BTreeMap<&str, &str> = BTreeMap::from([
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", BACK),
        ("scope", "openid profile email roles"),
        ("state", "st"),
        ("nonce", "no"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    all.extend(more.iter().copied());
    all.retain(|_, value| !value.is_empty());
    let all: Vec<(&str, &str)> = all.into_iter().collect();
    format!("{}?{}", provider.at("authorize"), written(&all))
}

/// Exchanges a code as its client does.
pub(crate) async fn exchange(provider: &Provider, client: &str, code: &str) -> Response {
    let form =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK), ("code_verifier", VERIFIER)];
    let secret = (client == "rsa").then_some(("rsa", crate::provider::SECRET));
    let named = [("client_id", client)];
    let form = if secret.is_some() { form.to_vec() } else { [&form[..], &named].concat() };
    provider.post("token", secret, &form).await
}

/// What a client is sent by way of the browser.
pub(crate) fn sent(answer: &Response) -> Value {
    assert_eq!(answer.status, 303, "{answer:?}");
    let at = answer.header("location");
    assert!(at.starts_with(&format!("{BACK}?")), "{answer:?}");
    let at = Url::parse(at).expect("an address");
    at.query_pairs()
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(
        rest.split('"').next()?.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"),
    )
}
