//! The issuer as its client knows it: codes and refresh tokens become tokens, and it says who somebody is now.

use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bongsu_host::{HyperClient, TokioEnv};
use bongsu_keys::Vouched;
use bongsu_runtime::ports::env::{Env as _, HttpClient as _, HttpRequest, HttpResponse};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

use super::Sessions;
use super::shelf::Tokens;
use super::state::Login;
use crate::login::{Endpoints, Issuer, Judged};
use crate::settings::Secret;

/// Whoever logs in waits so long.
const PATIENCE: Duration = Duration::from_secs(3);
/// Whoever is logged in waits so long for the issuer to say that he still is; then he goes on.
const SHORT: Duration = Duration::from_millis(700);
/// Longest refresh or ID token that is kept, in bytes; an access token has a limit of its own.
const LONGEST: usize = 8_192;
/// Where a name may be, the best first (OpenID Connect Core, section 5.1).
const NAMES: [&str; 2] = ["name", "preferred_username"];
/// Longest name that is shown, in characters.
const LONGEST_NAME: usize = 100;

/// The issuer, and who the gateway is to it.
pub(crate) struct Provider {
    issuer: Arc<Issuer>,
    settings: Sessions,
    secret: Option<Secret>,
    http: HyperClient,
    env: TokioEnv,
}

/// Who was given tokens.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) person: Vouched,
    pub(crate) name: Option<String>,
    pub(crate) tokens: Tokens,
    /// Whether the issuer says who he is now to whoever shows these.
    pub(crate) can_be_asked: bool,
}

/// Why there are none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotGiven {
    /// The issuer said no, or something that does not hold.
    Refused(&'static str),
    /// It did not answer, or not well.
    Silent,
}

/// What the issuer says of somebody now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// Still him, as this where it says so.
    Still(Option<Vec<String>>),
    /// His access token counts no more.
    Gone,
    Silent,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    id_token: Option<String>,
}

impl Provider {
    pub(crate) fn new(issuer: Arc<Issuer>, settings: Sessions, secret: Option<Secret>) -> Self {
        let env = TokioEnv::new(None).expect("no crash point was asked for");
        Self { issuer, settings, secret, http: HyperClient::new(), env }
    }

    /// Where the issuer's places are, if it ever said so.
    pub(crate) async fn endpoints(&self) -> Option<Arc<Endpoints>> {
        if let Some(known) = self.issuer.endpoints() {
            return Some(known);
        }
        self.issuer.ask().await;
        self.issuer.endpoints()
    }

    /// Whether that is how it is called; where an answer does not say who answers, it is taken for its (RFC 9207).
    pub(crate) fn is(&self, iss: Option<&str>) -> bool {
        iss.is_none_or(|iss| iss == self.issuer.name())
    }

    /// Where a browser logs in.
    pub(crate) async fn authorize(&self, login: &Login) -> Option<String> {
        let at = self.endpoints().await?.authorization.clone()?;
        let (scope, callback, challenge) =
            (self.settings.scopes.join(" "), self.settings.callback(), login.challenge());
        Some(with_query(
            &at,
            &[
                ("response_type", "code"),
                ("client_id", &self.settings.client),
                ("redirect_uri", &callback),
                ("scope", &scope),
                ("state", &login.state),
                ("nonce", &login.nonce),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ],
        ))
    }

    /// Where a browser logs out, and comes back from.
    pub(crate) async fn end(&self, id_token: &str) -> Option<String> {
        let at = self.endpoints().await?.end_session.clone()?;
        let back = format!("{}/", self.settings.origin);
        Some(with_query(
            &at,
            &[("id_token_hint", id_token), ("client_id", &self.settings.client), ("post_logout_redirect_uri", &back)],
        ))
    }

    /// What a code is worth, to whoever began that login.
    pub(crate) async fn exchange(&self, code: &str, login: &Login) -> Result<Given, NotGiven> {
        let callback = self.settings.callback();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &callback),
            ("code_verifier", &login.verifier),
        ];
        let answer = self.token(&form, PATIENCE).await?;
        let id = answer.id_token.clone().ok_or(NotGiven::Refused("it gave no ID token"))?;
        let claims = self.identified(&id, &login.nonce).await?;
        let (person, until_s) = self.admitted(&answer.access_token).await?;
        if claims.get("sub").and_then(Value::as_str) != Some(&person.name) {
            return Err(NotGiven::Refused("its tokens are of two people"));
        }
        let tokens = tokens(answer, until_s, id)?;
        let told = self.userinfo(&tokens.access).await.unwrap_or_default();
        let can_be_asked = told.get("sub").and_then(Value::as_str) == Some(&person.name);
        let name = |said: &Map<String, Value>| NAMES.iter().find_map(|name| said.get(*name)?.as_str().map(shortened));
        let name = name(&claims).or_else(|| name(&told).filter(|_| can_be_asked));
        Ok(Given { person, name, tokens, can_be_asked })
    }

    /// The next tokens of somebody.
    pub(crate) async fn refresh(&self, tokens: &Tokens) -> Result<(Vouched, Tokens), NotGiven> {
        let Some(refresh) = &tokens.refresh else { return Err(NotGiven::Refused("it gave no refresh token")) };
        let answer = self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)], SHORT).await?;
        let (person, until_s) = self.admitted(&answer.access_token).await?;
        let id = answer.id_token.clone().unwrap_or_else(|| tokens.id.clone());
        let refresh = answer.refresh_token.clone().or_else(|| tokens.refresh.clone());
        Ok((person, self::tokens(TokenAnswer { refresh_token: refresh, ..answer }, until_s, id)?))
    }

    /// What it says of somebody now.
    pub(crate) async fn ask(&self, person: &str, access: &str) -> Says {
        let Some(at) = self.issuer.endpoints().and_then(|known| known.userinfo.clone()) else { return Says::Silent };
        let headers = vec![("authorization".to_owned(), format!("Bearer {access}"))];
        let Ok(answer) = self.send("GET", at, headers, Bytes::new(), SHORT).await else { return Says::Silent };
        match (answer.status, json::<Map<String, Value>>(&answer)) {
            (401, _) => Says::Gone,
            (200, Some(told)) if told.get("sub").and_then(Value::as_str) == Some(person) => {
                Says::Still(self.issuer.roles(&told))
            }
            (200, Some(_)) => Says::Gone,
            _ => Says::Silent,
        }
    }

    /// Gives everything back, as far as the issuer hears it.
    pub(crate) async fn revoke(&self, tokens: &Tokens) {
        let Some(at) = self.issuer.endpoints().and_then(|known| known.revocation.clone()) else { return };
        let token = tokens.refresh.as_ref().unwrap_or(&tokens.access);
        if let Err(why) = self.form(at, &[("token", token)], SHORT).await {
            tracing::warn!(reason = why, "the issuer did not hear that a session has ended");
        }
    }

    async fn userinfo(&self, access: &str) -> Option<Map<String, Value>> {
        let at = self.issuer.endpoints()?.userinfo.clone()?;
        let headers = vec![("authorization".to_owned(), format!("Bearer {access}"))];
        let answer = self.send("GET", at, headers, Bytes::new(), PATIENCE).await.ok()?;
        json(&answer).filter(|_| answer.status == 200)
    }

    async fn token(&self, form: &[(&str, &str)], patience: Duration) -> Result<TokenAnswer, NotGiven> {
        let at = self.endpoints().await.and_then(|known| known.token.clone()).ok_or(NotGiven::Silent)?;
        let answer = self.form(at, form, patience).await.map_err(|why| {
            tracing::warn!(reason = why, "the issuer did not answer");
            NotGiven::Silent
        })?;
        match (answer.status, json::<TokenAnswer>(&answer)) {
            (200, Some(answer)) => Ok(answer),
            // RFC 6749, section 5.2: these say no; everything else is trouble of the issuer's own.
            (400 | 401, _) => Err(NotGiven::Refused("it refused what was shown")),
            (status, _) => {
                tracing::warn!(status, "the issuer did not give tokens");
                Err(NotGiven::Silent)
            }
        }
    }

    /// Sends a form as the client that the gateway is.
    async fn form(&self, at: String, form: &[(&str, &str)], patience: Duration) -> Result<HttpResponse, String> {
        let encoded = |text: &str| form_urlencoded(&[("", text)])[1..].to_owned();
        let mut headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        let mut form = form.to_vec();
        match &self.secret {
            // RFC 6749, section 2.3.1.
            Some(Secret(secret)) => {
                let pair = format!("{}:{}", encoded(&self.settings.client), encoded(secret));
                headers.push(("authorization".to_owned(), format!("Basic {}", BASE64_STANDARD.encode(pair))));
            }
            None => form.push(("client_id", &self.settings.client)),
        }
        self.send("POST", at, headers, form_urlencoded(&form).into(), patience).await
    }

    async fn send(
        &self,
        method: &'static str,
        url: String,
        mut headers: Vec<(String, String)>,
        body: Bytes,
        deadline: Duration,
    ) -> Result<HttpResponse, String> {
        headers.push(("accept".to_owned(), "application/json".to_owned()));
        let request = HttpRequest { method, url, headers, body, deadline };
        self.http.send(request).await.map_err(|error| error.to_string())
    }

    /// Whose access token that is, and until when.
    async fn admitted(&self, token: &str) -> Result<(Vouched, u64), NotGiven> {
        for has_asked in [false, true] {
            match self.issuer.judge_until(token, self.env.wall_ms()) {
                (Judged::Person(person), until_s) => return Ok((person, until_s)),
                (Judged::Refused(why), _) => return Err(NotGiven::Refused(why)),
                (Judged::UnknownKey | Judged::NoKeys, _) if !has_asked => self.issuer.ask().await,
                (Judged::UnknownKey | Judged::NoKeys, _) => {}
            }
        }
        Err(NotGiven::Silent)
    }

    /// What an ID token says of whoever logged in, if it is the one that was asked for.
    async fn identified(&self, token: &str, nonce: &str) -> Result<Map<String, Value>, NotGiven> {
        let client = &self.settings.client;
        let read = || self.issuer.identified(token, client, nonce, self.env.wall_ms());
        match read() {
            Err(Judged::UnknownKey | Judged::NoKeys) => self.issuer.ask().await,
            Err(Judged::Refused(why)) => return Err(NotGiven::Refused(why)),
            Err(Judged::Person(_)) => return Err(NotGiven::Refused("it is no ID token")),
            Ok(claims) => return Ok(claims),
        }
        read()
            .map_err(|judged| if let Judged::Refused(why) = judged { NotGiven::Refused(why) } else { NotGiven::Silent })
    }
}

/// What is kept, if it is not too much.
fn tokens(answer: TokenAnswer, until_s: u64, id: String) -> Result<Tokens, NotGiven> {
    let TokenAnswer { access_token: access, refresh_token: refresh, .. } = answer;
    if id.len().max(refresh.as_ref().map_or(0, String::len)) > LONGEST {
        return Err(NotGiven::Refused("its tokens are too long"));
    }
    Ok(Tokens { access, until_s, refresh, id })
}

fn shortened(name: &str) -> String {
    name.chars().take(LONGEST_NAME).collect()
}

fn json<T: DeserializeOwned>(answer: &HttpResponse) -> Option<T> {
    serde_json::from_slice(&answer.body).ok()
}

fn form_urlencoded(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// An address with more in its query.
fn with_query(at: &str, pairs: &[(&str, &str)]) -> String {
    format!("{at}{}{}", if at.contains('?') { '&' } else { '?' }, form_urlencoded(pairs))
}
