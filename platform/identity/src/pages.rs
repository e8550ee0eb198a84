//! Pages for people: forms and sentences, without a script, in Korean and English. Nobody may frame them, and no cache keeps
//! them.

pub(crate) mod words;
pub(crate) mod layout;
pub(crate) mod cookies;
pub(crate) mod guard;
pub(crate) mod login;
pub(crate) mod sign_up;
pub(crate) mod password;
pub(crate) mod signed_out;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use self::{
    layout::page,
    words::{Words, of},
};
use crate::{desk::Desk, oidc::refusal::Refusal};

/// Sends a browser elsewhere, with GET.
pub(crate) fn see(address: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    match HeaderValue::try_from(address) {
        Ok(address) => drop(headers.insert(header::LOCATION, address)),
        // Every address was parsed or escaped before.
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
}

/// A page that says why nothing was done. The reason is the program's, for who wrote the client.
pub(crate) fn refused(desk: &Desk, headers: &HeaderMap, status: StatusCode, why: &str) -> Response {
    let words = of(headers, None);
    let said = maud::html! {
        p { (words.refused) }
        p.detail { (why) }
    };
    page(desk, words, words.refused_title, status, &said)
}

/// The service cannot answer now.
pub(crate) fn unavailable(refusal: Refusal) -> Response {
    refusal.into_response()
}

/// How long to wait, in words.
pub(crate) fn wait(words: &Words, ms: i64) -> String {
    words.too_early.replace("{}", &seconds(ms).to_string())
}

/// Whole seconds, at least one.
pub(crate) fn seconds(ms: i64) -> i64 {
    (ms + 999).div_euclid(1_000).max(1)
}
