//! `/login`.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use bongsu_runtime::CommandError;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::html;

use super::{
    cookies,
    guard::{Ticket, is_ours, place},
    layout::{alert, field, page},
    refused, seconds, see, unavailable, wait,
    words::of,
};
use crate::{
    accounts::{
        log_in::{NotLoggedIn, log_in},
        sessions,
    },
    desk::Desk,
    oidc::{
        form::{Form, Params, Unreadable, with_query},
        refusal::Refusal,
    },
};

/// The form's name.
const FORM: &str = "login";

pub(crate) async fn show(State(desk): State<Desk>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let params = match Params::parse(query.unwrap_or_default().as_bytes()) {
        Ok(params) => params,
        Err(Unreadable { status, why }) => return refused(&desk, &headers, status, why),
    };
    let form = Shown { to: params.get("to"), email: "", alert: None, status: StatusCode::OK };
    form.response(&desk, &headers).await.unwrap_or_else(|error| unavailable(Refusal::from(error)))
}

pub(crate) async fn take(State(desk): State<Desk>, headers: HeaderMap, Form(params): Form) -> Response {
    let params = match params {
        Ok(params) => params,
        Err(Unreadable { status, why }) => return refused(&desk, &headers, status, why),
    };
    attempt(&desk, &headers, &params).await.unwrap_or_else(|error| unavailable(Refusal::from(error)))
}

async fn attempt(desk: &Desk, headers: &HeaderMap, params: &Params) -> Result<Response, CommandError> {
    let to = params.get("to");
    let email = params.get("email").unwrap_or_default();
    let words = of(headers, wanted(to).as_deref());
    if !is_ours(desk, headers, FORM, params).await? {
        let form = Shown { to, email, alert: Some(words.stale.into()), status: StatusCode::FORBIDDEN };
        return form.response(desk, headers).await;
    }
    let password = params.get("password").unwrap_or_default().to_owned();
    let why = match log_in(desk, email, password, place(headers)).await? {
        Ok(cookie) => return welcome(desk, headers, to, &cookie).await,
        Err(why) => why,
    };
    let (status, said) = match why {
        NotLoggedIn::Wrong => (StatusCode::UNAUTHORIZED, words.wrong.to_owned()),
        NotLoggedIn::Locked => (StatusCode::FORBIDDEN, words.locked.to_owned()),
        NotLoggedIn::TooEarly(ms) => (StatusCode::TOO_MANY_REQUESTS, wait(words, ms)),
    };
    let mut response = Shown { to, email, alert: Some(said), status }.response(desk, headers).await?;
    if let NotLoggedIn::TooEarly(ms) = why {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(ms)));
    }
    Ok(response)
}

/// Gives the browser its session and sends it back to where it came from. An earlier session of this browser ends.
pub(crate) async fn welcome(
    desk: &Desk,
    headers: &HeaderMap,
    to: Option<&str>,
    cookie: &str,
) -> Result<Response, CommandError> {
    let earlier = cookies::session(desk, headers);
    if let Some(earlier) = sessions::of_cookie(desk, earlier.as_deref()).await? {
        sessions::end(&desk.private, &earlier.session.sid).await?;
    }
    // Only ever to our own page: what is carried along is its query.
    let next = match to.and_then(|to| Params::parse(to.as_bytes()).ok()) {
        Some(wish) => format!("{}?{}", desk.settings.at("authorize"), wish.written()),
        None => desk.settings.at("password"),
    };
    let mut response = see(&next);
    cookies::keep_session(desk, &mut response, cookie);
    Ok(response)
}

/// The languages a client asked for.
pub(crate) fn wanted(to: Option<&str>) -> Option<String> {
    Params::parse(to?.as_bytes()).ok()?.get("ui_locales").map(ToOwned::to_owned)
}

/// The form.
struct Shown<'a> {
    to: Option<&'a str>,
    email: &'a str,
    alert: Option<String>,
    status: StatusCode,
}

impl Shown<'_> {
    async fn response(&self, desk: &Desk, headers: &HeaderMap) -> Result<Response, CommandError> {
        let words = of(headers, wanted(self.to).as_deref());
        let ticket = Ticket::of(desk, headers, FORM).await?;
        let to = self.to.unwrap_or_default();
        let body = html! {
            (alert(self.alert.as_deref()))
            form method="post" action=(desk.settings.at("login")) {
                (ticket.field())
                input type="hidden" name="to" value=(to);
                (field("email", words.email, "email", "username", self.email, None))
                (field("password", words.password, "password", "current-password", "", None))
                button type="submit" { (words.log_in) }
            }
            p { (words.no_account) " " a href=(with_query(&desk.settings.at("sign-up"), &[("to", to)])) { (words.sign_up) } }
        };
        let mut response = page(desk, words, words.log_in, self.status, &body);
        cookies::keep_form(desk, &mut response, &ticket.cookie);
        Ok(response)
    }
}
