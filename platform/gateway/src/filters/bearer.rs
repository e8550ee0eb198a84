//! Who is asking, by what he shows: an operator's key, or an access token of the issuer.

use std::sync::Arc;

use bongsu_host::TokioEnv;
use bongsu_host::problem::Problem;
use bongsu_keys::{Caller, Keys, OPERATOR};
use bongsu_runtime::ports::env::Env as _;
use http::{HeaderMap, HeaderValue, StatusCode, header, request};
use tokio::sync::watch;

use crate::filter::{Exchange, Filter, Flow, Who};
use crate::lease::Lease;
use crate::login::{Issuer, Judged};
use crate::table::{May, Table};

/// Recognises whoever shows something, and keeps it: no service sees it. What is shown and counts for nothing is refused,
/// also where nobody would have to show anything. Without an issuer, and where a service with a login of its own is open to
/// anybody, a bearer that is no key goes on.
pub struct Bearer {
    table: watch::Receiver<Arc<Table>>,
    keys: Option<Keys>,
    issuer: Option<Arc<Issuer>>,
    env: TokioEnv,
}

impl Bearer {
    pub(crate) fn new(table: watch::Receiver<Arc<Table>>, keys: Option<Keys>, issuer: Option<Arc<Issuer>>) -> Self {
        let env = TokioEnv::new(None).expect("no crash point was asked for");
        Self { table, keys, issuer, env }
    }

    /// Whose tokens are read for that request: nobody's where a service with a login of its own is open to anybody.
    fn issuer_for(&self, request: &request::Parts, service: &str) -> Option<&Arc<Issuer>> {
        let table = self.table.borrow();
        let is_open = || table.may(service, &request.method, request.uri.path()) == May::Everybody;
        self.issuer.as_ref().filter(|_| !(table.own_login.contains(service) && is_open()))
    }

    /// Whoever shows a token, and until when it counts; `None` when the issuer has to be asked first.
    fn person(&self, issuer: &Issuer, headers: &HeaderMap, has_waited: bool) -> Option<Result<Shows, Problem>> {
        let token = match token_of(headers) {
            Shown::Nothing => return Some(Ok((Who::Nobody, None))),
            Shown::Token(token) => token,
            Shown::Garbage => return Some(Err(refused("it is not one 'Authorization: Bearer TOKEN'"))),
        };
        let (judged, until_s) = issuer.judge_until(token, self.env.wall_ms());
        Some(match judged {
            Judged::Person(person) => Ok((Who::Person(person), Some(Lease::Token { until_s }))),
            Judged::Refused(why) => Err(refused(why)),
            Judged::UnknownKey | Judged::NoKeys if !has_waited => return None,
            Judged::UnknownKey => Err(refused("it names a key that the issuer does not have")),
            Judged::NoKeys => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "login-unavailable",
                "Nobody can be told from anybody now",
            )
            .detail("The issuer of tokens has not told its keys yet.")
            .retry_after(1)),
        })
    }
}

impl Filter for Bearer {
    fn name(&self) -> &'static str {
        "bearer"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let caller = self.keys.as_ref().and_then(|keys| keys.caller(&request.headers).ok());
        let service = exchange.service.as_deref().unwrap_or_default();
        exchange.who = match (caller, self.issuer_for(request, service)) {
            (Some(Caller(name)), _) if name == OPERATOR => Who::Operator,
            (Some(Caller(name)), _) => Who::Process(name),
            (None, None) => return Flow::Continue,
            (None, Some(issuer)) => match self.person(issuer, &request.headers, exchange.has_waited) {
                Some(Ok((who, lease))) => {
                    exchange.lease = lease;
                    who
                }
                Some(Err(problem)) => return problem.into(),
                None => {
                    exchange.has_waited = true;
                    let issuer = Arc::clone(issuer);
                    return Flow::Again(Box::pin(async move { issuer.ask().await }));
                }
            },
        };
        request.headers.remove(header::AUTHORIZATION);
        Flow::Continue
    }
}

/// Who it is, and what by.
type Shows = (Who, Option<Lease>);

/// What stands in a request's `Authorization`.
enum Shown<'h> {
    Nothing,
    Token(&'h str),
    Garbage,
}

fn token_of(headers: &HeaderMap) -> Shown<'_> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = all.next() else { return Shown::Nothing };
    let given = first.to_str().ok().filter(|_| all.next().is_none());
    match given.and_then(|given| given.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Shown::Token(token),
        _ => Shown::Garbage,
    }
}

/// 401 as RFC 6750 (section 3.1) has it.
fn refused(why: &'static str) -> Problem {
    let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{}\"", why.replace('\'', ""));
    let challenge = HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"));
    Problem::new(StatusCode::UNAUTHORIZED, "invalid-token", "The token does not count")
        .detail(format!("The access token was refused: {why}."))
        .header(header::WWW_AUTHENTICATE, challenge)
}
