//! Cookies: the session's, and the one that a form is bound to. No script reads them, no other site sends them with a form.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};

use crate::desk::Desk;

/// The session's cookie.
const SESSION: &str = "bongsu-session";
/// The cookie a form is bound to.
const FORM: &str = "bongsu-form";
/// Longest cookie that is read.
const LONGEST: usize = 64;
/// Every cookie of ours counts for the whole host: a `__Host-` cookie has to.
const ATTRIBUTES: &str = "; Path=/; HttpOnly; SameSite=Lax";

/// The secret of a session, if the browser has one.
pub(crate) fn session(desk: &Desk, headers: &HeaderMap) -> Option<String> {
    read(headers, &name(desk, SESSION))
}

/// The secret a form is bound to.
pub(crate) fn form(desk: &Desk, headers: &HeaderMap) -> Option<String> {
    read(headers, &name(desk, FORM))
}

/// Gives the browser its session.
pub(crate) fn keep_session(desk: &Desk, response: &mut Response, secret: &str) {
    set(desk, response, SESSION, secret, desk.settings.session_s);
}

/// Takes it away.
pub(crate) fn drop_session(desk: &Desk, response: &mut Response) {
    set(desk, response, SESSION, "", 0);
}

/// Gives the browser what its forms are bound to.
pub(crate) fn keep_form(desk: &Desk, response: &mut Response, secret: &str) {
    set(desk, response, FORM, secret, desk.settings.session_s);
}

/// `__Host-` says that nobody else of this domain set it; browsers take it over https and on their own machine.
fn name(desk: &Desk, plain: &str) -> String {
    if desk.settings.is_trustworthy() { format!("__Host-{plain}") } else { plain.to_owned() }
}

fn set(desk: &Desk, response: &mut Response, plain: &str, value: &str, seconds: i64) {
    let secure = if desk.settings.is_trustworthy() { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Max-Age={seconds}{ATTRIBUTES}{secure}", name(desk, plain));
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// A cookie of which there is one.
fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(value), None) if !value.is_empty() && value.len() <= LONGEST => Some(value.to_owned()),
        _ => None,
    }
}
