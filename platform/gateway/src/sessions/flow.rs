//! What a browser asks the gateway itself: to log in, to come back from the issuer, to log out, and who is logged in.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use bongsu_host::TokioEnv;
use bongsu_host::problem::Problem;
use bongsu_keys::Keys;
use bongsu_runtime::ports::env::Env as _;
use bongsu_runtime::rfc3339;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, request};
use serde_json::json;
use url::form_urlencoded;

use super::Sessions;
use super::back::is_own_path;
use super::cookies::{self, LOGIN, SESSION};
use super::keeper::{Found, Keeper};
use super::provider::{NotGiven, Provider};
use super::state::{Login, PATIENCE_MS};

/// How long our own secrets are, in characters.
pub(crate) const SECRET: usize = 64;
/// Longest code or state that is looked at, in bytes: a request's target has an end of its own.
const LONGEST: usize = 4_096;

/// Answers the browser.
pub(crate) struct Flow {
    settings: Sessions,
    keys: Keys,
    provider: Arc<Provider>,
    keeper: Arc<Keeper>,
    env: TokioEnv,
}

/// A place of the gateway's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Login,
    Callback,
    Logout,
    Session,
}

/// What is said of a request without its body.
struct Asked {
    query: String,
    headers: HeaderMap,
}

type Later = Pin<Box<dyn Future<Output = Response> + Send>>;

impl Flow {
    pub(crate) fn new(settings: Sessions, keys: Keys, provider: Arc<Provider>, keeper: Arc<Keeper>) -> Self {
        let env = TokioEnv::new(None).expect("no crash point was asked for");
        Self { settings, keys, provider, keeper, env }
    }

    /// The answer, if that is asked of the gateway itself.
    pub(crate) fn answer(self: &Arc<Self>, request: &request::Parts) -> Option<Result<Later, Problem>> {
        let place = self.place(request.uri.path())?;
        let (methods, allow): (&[Method], _) = match place {
            Place::Logout => (&[Method::POST], "POST"),
            Place::Session => (&[Method::GET, Method::HEAD], "GET, HEAD"),
            // A HEAD would spend the code.
            Place::Login | Place::Callback => (&[Method::GET], "GET"),
        };
        if !methods.contains(&request.method) {
            let problem = Problem::of_status(StatusCode::METHOD_NOT_ALLOWED);
            return Some(Err(problem.header(ALLOW, HeaderValue::from_static(allow))));
        }
        let asked =
            Asked { query: request.uri.query().unwrap_or_default().to_owned(), headers: request.headers.clone() };
        let this = Arc::clone(self);
        Some(Ok(Box::pin(async move {
            let answered = match place {
                Place::Login => this.log_in(&asked).await,
                Place::Callback => this.come_back(&asked).await,
                Place::Logout => this.log_out(&asked).await,
                Place::Session => this.who(&asked).await,
            };
            let mut answer = answered.unwrap_or_else(Problem::into_response);
            answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            answer
        })))
    }

    fn place(&self, path: &str) -> Option<Place> {
        match path.strip_prefix(&self.settings.under)? {
            "/login" => Some(Place::Login),
            "/login/callback" => Some(Place::Callback),
            "/logout" => Some(Place::Logout),
            "/session" => Some(Place::Session),
            _ => None,
        }
    }

    async fn log_in(&self, asked: &Asked) -> Result<Response, Problem> {
        let given = asked.params(&["return"])?;
        let back = given.get("return").map_or("/", String::as_str);
        if !is_own_path(back) {
            let why =
                "'return' is a path of this system: it begins with one '/', and has no blanks, no '\\' and no host.";
            return Err(Problem::bad_request(why));
        }
        // Cookies belong to a host: it goes on where the issuer sends the browser back to.
        if !asked.is_at(self.settings.authority()) {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("return", back).finish();
            return see(&format!("{}{}?{query}", self.settings.origin, self.settings.path("login")));
        }
        // Another tab of the same browser may be about to log in: both come back.
        let had = cookies::one(&asked.headers, LOGIN, SECRET).filter(|had| is_a_secret(had));
        let secret = had.map_or_else(|| self.keeper.secret(), str::to_owned);
        let begun = Login::begin(&self.keys, &secret, &self.keeper.secret()[..16], back, self.env.wall_ms());
        let begun = begun.ok_or_else(unavailable)?;
        let mut answer = see(&self.provider.authorize(&begun).await.ok_or_else(unavailable)?)?;
        answer.headers_mut().append(SET_COOKIE, cookies::set(LOGIN, &secret, PATIENCE_MS / 1_000));
        Ok(answer)
    }

    async fn come_back(&self, asked: &Asked) -> Result<Response, Problem> {
        let given = asked.params(&["state", "code", "iss", "error"])?;
        let get = |name: &str| given.get(name).map(String::as_str).filter(|text| text.len() <= LONGEST);
        let secret = cookies::one(&asked.headers, LOGIN, SECRET)
            .ok_or_else(|| failed("it was not begun in this browser, or too long ago"))?;
        let resumed = get("state").and_then(|state| Login::resume(&self.keys, secret, state, self.env.wall_ms()));
        let login = resumed.ok_or_else(|| failed("it was not begun in this browser, or too long ago"))?;
        if !self.provider.is(given.get("iss").map(String::as_str)) {
            return Err(failed("another issuer answers"));
        }
        if given.contains_key("error") {
            return Err(failed("the issuer did not let anybody in"));
        }
        let code = get("code").ok_or_else(|| failed("the issuer gave no code"))?;
        let given = self.provider.exchange(code, &login).await.map_err(|not| match not {
            NotGiven::Refused(why) => {
                tracing::warn!(reason = why, "a login came to nothing");
                failed(why)
            }
            NotGiven::Silent => unavailable(),
        })?;
        let had = cookies::one(&asked.headers, SESSION, SECRET);
        let session = self.keeper.open(given, had).await.map_err(|why| {
            tracing::error!(reason = %why, "a session could not be kept");
            unavailable()
        })?;
        let mut answer = see(&login.back)?;
        answer.headers_mut().append(SET_COOKIE, cookies::set(SESSION, &session, self.settings.life_s));
        Ok(answer)
    }

    /// Ends the session here and what was given for it there; the browser is sent to the issuer, which ends its own.
    async fn log_out(&self, asked: &Asked) -> Result<Response, Problem> {
        let ended = match cookies::one(&asked.headers, SESSION, SECRET) {
            Some(secret) => self.keeper.close(secret).await.map_err(|why| {
                tracing::error!(reason = %why, "a session could not be ended");
                unavailable()
            })?,
            None => None,
        };
        let mut to = "/".to_owned();
        if let Some(ended) = &ended {
            self.provider.revoke(&ended.tokens).await;
            to = self.provider.end(&ended.tokens.id).await.unwrap_or(to);
        }
        let wants_json = asked.headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes() == b"application/json");
        let mut answer = if wants_json { Json(json!({ "location": to })).into_response() } else { see(&to)? };
        answer.headers_mut().append(SET_COOKIE, cookies::set(SESSION, "", 0));
        Ok(answer)
    }

    async fn who(&self, asked: &Asked) -> Result<Response, Problem> {
        let Some(secret) = cookies::one(&asked.headers, SESSION, SECRET) else { return Ok(nobody()) };
        match self.keeper.find(secret).await {
            Found::Somebody(session) => {
                let expires = rfc3339(self.keeper.ends_ms(&session));
                let mut said = json!({ "person": session.person, "roles": session.roles, "expires": expires });
                if let Some(name) = &session.name {
                    said["name"] = name.as_str().into();
                }
                Ok(Json(said).into_response())
            }
            Found::Nobody => {
                let mut answer = nobody();
                answer.headers_mut().append(SET_COOKIE, cookies::set(SESSION, "", 0));
                Ok(answer)
            }
            Found::Unknown => Err(unavailable()),
        }
    }
}

impl Asked {
    /// Parameters of those names; one that is there twice is none.
    fn params(&self, known: &[&str]) -> Result<BTreeMap<String, String>, Problem> {
        let mut found = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            if known.contains(&name.as_ref()) && found.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Problem::bad_request(format!("'{name}' is there twice.")));
            }
        }
        Ok(found)
    }

    /// Whether the browser is at that host and port, as the filter before said it.
    fn is_at(&self, authority: &str) -> bool {
        let at = self.headers.get("x-forwarded-host").and_then(|host| host.to_str().ok());
        at.is_none_or(|at| at.eq_ignore_ascii_case(authority))
    }
}

fn nobody() -> Response {
    Json(json!({ "person": null, "roles": [] })).into_response()
}

/// Whether it can be one of ours: as many hexadecimal digits.
fn is_a_secret(text: &str) -> bool {
    text.len() == SECRET && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The browser goes there, with GET.
fn see(to: &str) -> Result<Response, Problem> {
    let to = HeaderValue::try_from(to).map_err(|_| unavailable())?;
    let mut answer = StatusCode::SEE_OTHER.into_response();
    answer.headers_mut().insert(LOCATION, to);
    Ok(answer)
}

fn failed(why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "login-failed", "The login came to nothing")
        .detail(format!("Nobody was logged in: {why}. Begin again."))
}

/// Nobody can be told from anybody for the moment.
pub(crate) fn unavailable() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "login-unavailable", "Nobody can be told from anybody now")
        .detail("The issuer, or what is kept of sessions, does not answer.")
        .retry_after(1)
}
