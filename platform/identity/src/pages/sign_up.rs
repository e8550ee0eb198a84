//! `/sign-up`.

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
    login::{wanted, welcome},
    refused, seconds, unavailable, wait,
    words::{Words, of},
};
use crate::{
    accounts::{
        delays, log_in,
        sign_up::{Newcomer, NotSignedUp, sign_up},
    },
    desk::Desk,
    oidc::{
        form::{Form, Params, Unreadable, with_query},
        refusal::Refusal,
    },
    private::tables::Profile,
};

/// The form's name.
const FORM: &str = "sign-up";

pub(crate) async fn show(State(desk): State<Desk>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let params = match Params::parse(query.unwrap_or_default().as_bytes()) {
        Ok(params) => params,
        Err(Unreadable { status, why }) => return refused(&desk, &headers, status, why),
    };
    let form = Shown { to: params.get("to"), email: "", name: "", alert: None, status: StatusCode::OK };
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
    let get = |name| params.get(name).unwrap_or_default();
    let to = params.get("to");
    let words = of(headers, wanted(to).as_deref());
    let again = |status, said: String| Shown { to, email: get("email"), name: get("name"), alert: Some(said), status };
    if !is_ours(desk, headers, FORM, params).await? {
        return again(StatusCode::FORBIDDEN, words.stale.into()).response(desk, headers).await;
    }
    // Who asks for many addresses asks slowly: hashing is work, and so is learning which addresses are taken.
    if let Err(delays::TooEarly(ms)) = delays::begin(desk, None, place(headers)).await? {
        let mut response = again(StatusCode::TOO_MANY_REQUESTS, wait(words, ms)).response(desk, headers).await?;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(ms)));
        return Ok(response);
    }
    let newcomer = Newcomer {
        email: get("email").into(),
        name: get("name").into(),
        password: get("password").into(),
        locale: words.locale.into(),
    };
    let person = match sign_up(desk, newcomer, desk.settings.newcomers.clone()).await? {
        Ok(person) => person,
        Err(why) => {
            let (status, said) = said(words, why);
            return again(status, said.into()).response(desk, headers).await;
        }
    };
    let Some(profile) = desk.private.get::<Profile>(&person).await? else {
        return Err(CommandError::Unavailable("who signed up is gone".into()));
    };
    match log_in::open(desk, &profile).await? {
        Ok(cookie) => welcome(desk, headers, to, &cookie).await,
        Err(_) => again(StatusCode::FORBIDDEN, words.wrong.into()).response(desk, headers).await,
    }
}

fn said(words: &Words, why: NotSignedUp) -> (StatusCode, &'static str) {
    let status = match why {
        NotSignedUp::Taken => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let said = match why {
        NotSignedUp::Email => words.bad_email,
        NotSignedUp::Name => words.bad_name,
        NotSignedUp::Password => words.bad_password,
        NotSignedUp::Taken | NotSignedUp::Refused => words.taken,
    };
    (status, said)
}

/// The form.
struct Shown<'a> {
    to: Option<&'a str>,
    email: &'a str,
    name: &'a str,
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
            form method="post" action=(desk.settings.at("sign-up")) {
                (ticket.field())
                input type="hidden" name="to" value=(to);
                (field("email", words.email, "email", "username", self.email, None))
                (field("name", words.name, "text", "name", self.name, None))
                (field("password", words.password, "password", "new-password", "", Some(words.password_hint)))
                button type="submit" { (words.sign_up) }
            }
            p { (words.has_account) " " a href=(with_query(&desk.settings.at("login"), &[("to", to)])) { (words.log_in) } }
        };
        let mut response = page(desk, words, words.sign_up, self.status, &body);
        cookies::keep_form(desk, &mut response, &ticket.cookie);
        Ok(response)
    }
}
