//! `/password`: who is logged in chooses another one.

use axum::{extract::State, response::Response};
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
        change_password::{NotChanged, change_password},
        sessions,
    },
    desk::Desk,
    oidc::{
        form::{Form, Params, Unreadable},
        refusal::Refusal,
    },
};

/// The form's name.
const FORM: &str = "password";

pub(crate) async fn show(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    first(&desk, &headers).await.unwrap_or_else(|error| unavailable(Refusal::from(error)))
}

pub(crate) async fn take(State(desk): State<Desk>, headers: HeaderMap, Form(params): Form) -> Response {
    let params = match params {
        Ok(params) => params,
        Err(Unreadable { status, why }) => return refused(&desk, &headers, status, why),
    };
    attempt(&desk, &headers, &params).await.unwrap_or_else(|error| unavailable(Refusal::from(error)))
}

async fn first(desk: &Desk, headers: &HeaderMap) -> Result<Response, CommandError> {
    let here = sessions::of_cookie(desk, cookies::session(desk, headers).as_deref()).await?;
    if here.is_none() {
        return Ok(see(&desk.settings.at("login")));
    }
    let words = of(headers, None);
    response(desk, headers, StatusCode::OK, (Some(words.logged_in), None)).await
}

async fn attempt(desk: &Desk, headers: &HeaderMap, params: &Params) -> Result<Response, CommandError> {
    let here = sessions::of_cookie(desk, cookies::session(desk, headers).as_deref()).await?;
    let Some(here) = here else { return Ok(see(&desk.settings.at("login"))) };
    let words = of(headers, None);
    if !is_ours(desk, headers, FORM, params).await? {
        return response(desk, headers, StatusCode::FORBIDDEN, (None, Some(words.stale.into()))).await;
    }
    let get = |name| params.get(name).unwrap_or_default().to_owned();
    let why = match change_password(desk, &here, get("present"), get("next"), place(headers)).await? {
        Ok(()) => return response(desk, headers, StatusCode::OK, (Some(words.changed), None)).await,
        Err(why) => why,
    };
    let (status, said) = match why {
        NotChanged::Wrong => (StatusCode::UNAUTHORIZED, words.wrong.to_owned()),
        NotChanged::Unfit => (StatusCode::UNPROCESSABLE_ENTITY, words.bad_password.to_owned()),
        NotChanged::TooEarly(ms) => (StatusCode::TOO_MANY_REQUESTS, wait(words, ms)),
    };
    let mut response = response(desk, headers, status, (None, Some(said))).await?;
    if let NotChanged::TooEarly(ms) = why {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(ms)));
    }
    Ok(response)
}

/// The form, with what happened: good news, or what was wrong.
async fn response(
    desk: &Desk,
    headers: &HeaderMap,
    status: StatusCode,
    (news, wrong): (Option<&str>, Option<String>),
) -> Result<Response, CommandError> {
    let words = of(headers, None);
    let ticket = Ticket::of(desk, headers, FORM).await?;
    let body = html! {
        @if let Some(news) = news { p role="status" { (news) } }
        (alert(wrong.as_deref()))
        form method="post" action=(desk.settings.at("password")) {
            (ticket.field())
            (field("present", words.present_password, "password", "current-password", "", None))
            (field("next", words.new_password, "password", "new-password", "", Some(words.password_hint)))
            button type="submit" { (words.change) }
        }
        p { a href=(desk.settings.at("logout")) { (words.log_out) } }
    };
    let mut response = page(desk, words, words.change_password, status, &body);
    cookies::keep_form(desk, &mut response, &ticket.cookie);
    Ok(response)
}
