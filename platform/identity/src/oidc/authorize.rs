//! `/authorize`: a browser comes with a client's wish and leaves with a code, or with the reason why not.
//!
//! Until client and redirect URI are proven nothing is sent there: the reason is shown on a page.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use bongsu_runtime::CommandError;
use http::HeaderMap;

use super::{
    form::{Form, Params, Unreadable, with_query},
    refusal::Refusal,
};
use crate::{
    accounts::sessions::{self, LoggedIn},
    crypto::{decoded, digest},
    desk::Desk,
    pages::{self, cookies},
    private::tables::{Code, Consent, Document as _},
    settings::{Client, clients::Grant},
};

/// Longest state or nonce, in bytes.
const LONGEST: usize = 1_024;
/// A code is remembered so much longer than it counts, to notice that it comes again; milliseconds.
const REMEMBERED_MS: i64 = 600_000;

/// What a client wants, proven as far as the redirect URI.
struct Wish<'a> {
    client: &'a Client,
    redirect_uri: &'a str,
    state: Option<&'a str>,
    params: &'a Params,
}

/// What is asked for in it.
struct Asked<'a> {
    challenge: &'a str,
    scope: String,
    nonce: Option<&'a str>,
    prompt: Option<&'a str>,
    max_age_s: Option<i64>,
}

/// An error that is sent to the client.
struct Denied(&'static str, &'static str);

pub(crate) async fn by_address(State(desk): State<Desk>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&desk, &headers, Params::parse(query.unwrap_or_default().as_bytes())).await
}

pub(crate) async fn by_form(State(desk): State<Desk>, headers: HeaderMap, Form(params): Form) -> Response {
    answer(&desk, &headers, params).await
}

async fn answer(desk: &Desk, headers: &HeaderMap, params: Result<Params, Unreadable>) -> Response {
    let params = match params {
        Ok(params) => params,
        Err(Unreadable { status, why }) => return pages::refused(desk, headers, status, why),
    };
    match Wish::of(desk, &params) {
        Ok(wish) => wish.answer(desk, headers).await.unwrap_or_else(|error| pages::unavailable(Refusal::from(error))),
        Err(why) => pages::refused(desk, headers, http::StatusCode::BAD_REQUEST, why),
    }
}

impl<'a> Wish<'a> {
    fn of(desk: &'a Desk, params: &'a Params) -> Result<Self, &'static str> {
        let client = params.get("client_id").and_then(|id| desk.settings.client(id)).ok_or("the client is unknown")?;
        let redirect_uri = params.get("redirect_uri").ok_or("there is no redirect_uri")?;
        if !client.may_redirect(redirect_uri) {
            return Err("the redirect_uri is not one of the client's");
        }
        Ok(Self { client, redirect_uri, state: params.get("state"), params })
    }

    async fn answer(&self, desk: &Desk, headers: &HeaderMap) -> Result<Response, CommandError> {
        let asked = match self.asked() {
            Ok(asked) => asked,
            Err(denied) => return Ok(self.denied(desk, &denied)),
        };
        let here = sessions::of_cookie(desk, cookies::session(desk, headers).as_deref()).await?;
        let is_fresh = |here: &LoggedIn| {
            let age_s = (desk.now_ms() - here.session.auth_ms) / 1_000;
            asked.max_age_s.is_none_or(|most| age_s <= most)
        };
        match here.filter(is_fresh) {
            Some(here) if !matches!(asked.prompt, Some("login" | "create")) => self.give(desk, &here, &asked).await,
            _ if asked.prompt == Some("none") => {
                Ok(self.denied(desk, &Denied("login_required", "nobody is logged in")))
            }
            _ => {
                // What is asked for once is not asked for again when they come back.
                let page = if asked.prompt == Some("create") { "sign-up" } else { "login" };
                let back = self.params.clone().without("prompt").written();
                Ok(pages::see(&with_query(&desk.settings.at(page), &[("to", &back)])))
            }
        }
    }

    /// Whether it is of the kind that is granted here.
    fn is_for_a_code(&self) -> Result<(), Denied> {
        let get = |name: &str| self.params.get(name);
        for (unsupported, error) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")]
        {
            if get(unsupported).is_some() {
                return Err(Denied(error, "wishes are not read from elsewhere"));
            }
        }
        if get("response_type") != Some("code") {
            return Err(Denied("unsupported_response_type", "the response_type is code"));
        }
        if get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(Denied("invalid_request", "the response_mode is query"));
        }
        if !self.client.grants.contains(&Grant::AuthorizationCode) {
            return Err(Denied("unauthorized_client", "the client is given no codes"));
        }
        Ok(())
    }

    fn asked(&self) -> Result<Asked<'a>, Denied> {
        self.is_for_a_code()?;
        let get = |name: &str| self.params.get(name);
        let nonce = get("nonce");
        if [self.state, nonce].into_iter().flatten().any(|text| text.len() > LONGEST) {
            return Err(Denied("invalid_request", "state and nonce have at most 1024 bytes"));
        }
        if get("code_challenge_method") != Some("S256") {
            return Err(Denied("invalid_request", "the code_challenge_method is S256"));
        }
        let is_a_digest = |text: &&str| text.len() == 43 && decoded(text).is_some_and(|bytes| bytes.len() == 32);
        let challenge = get("code_challenge").filter(is_a_digest);
        let challenge =
            challenge.ok_or(Denied("invalid_request", "the code_challenge is 43 characters of base64url"))?;
        let scope = self.client.granted(get("scope"));
        let scope = scope.ok_or(Denied("invalid_scope", "the client may not ask for this scope"))?;
        let prompt = get("prompt");
        if prompt.is_some_and(|prompt| !matches!(prompt, "none" | "login" | "create" | "consent" | "select_account")) {
            return Err(Denied("invalid_request", "the prompt is none, login, create, consent or select_account"));
        }
        let max_age_s =
            get("max_age").map(str::parse::<i64>).transpose().ok().filter(|age| age.is_none_or(|age| age >= 0));
        let max_age_s = max_age_s.ok_or(Denied("invalid_request", "the max_age is a number of seconds"))?;
        Ok(Asked { challenge, scope, nonce, prompt, max_age_s })
    }

    async fn give(&self, desk: &Desk, here: &LoggedIn, asked: &Asked<'_>) -> Result<Response, CommandError> {
        let secret = desk.secret();
        let expires_ms = desk.now_ms() + desk.settings.code_s * 1_000;
        let code = Code {
            consent: Consent {
                person: here.session.person.clone(),
                client: self.client.id.clone(),
                sid: here.session.sid.clone(),
                scope: asked.scope.clone(),
                auth_ms: here.session.auth_ms,
            },
            redirect_uri: self.redirect_uri.to_owned(),
            challenge: asked.challenge.to_owned(),
            nonce: asked.nonce.map(ToOwned::to_owned),
            expires_ms,
            used: None,
            kept_ms: expires_ms + REMEMBERED_MS,
        };
        let kept = desk.private.transact(Vec::new(), |script| {
            code.put(script, &digest(&secret));
            Ok::<(), ()>(())
        });
        kept.await.map(drop)?;
        Ok(self.back(desk, &[("code", &secret)]))
    }

    fn denied(&self, desk: &Desk, Denied(error, why): &Denied) -> Response {
        self.back(desk, &[("error", error), ("error_description", why)])
    }

    /// Back to the client, which is told who answers (RFC 9207).
    fn back(&self, desk: &Desk, more: &[(&str, &str)]) -> Response {
        let state = self.state.map(|state| ("state", state));
        let all: Vec<_> = more.iter().copied().chain(state).chain([("iss", desk.settings.issuer.as_str())]).collect();
        pages::see(&with_query(self.redirect_uri, &all))
    }
}
