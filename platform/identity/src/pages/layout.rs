//! The frame of every page, and the headers it leaves with.

use std::collections::BTreeSet;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use bongsu_host::problem::OwnForm;
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use url::Url;

use super::words::Words;
use crate::{desk::Desk, settings::Settings};

/// Nothing from elsewhere, readable, and with a visible focus.
const STYLE: &str = "\
:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}\
body{margin:0;display:grid;place-items:center;min-height:100vh}\
main{width:min(22rem,90vw);padding:1.5rem}\
h1{font-size:1.5rem}\
label{display:block;margin-top:1rem}\
input{box-sizing:border-box;width:100%;padding:.6rem;font:inherit}\
button{margin-top:1.5rem;width:100%;padding:.7rem;font:inherit;cursor:pointer}\
:focus-visible{outline:3px solid Highlight;outline-offset:2px}\
[role=alert]{padding:.6rem;border:2px solid currentColor}\
.hint,.detail{font-size:.875rem}\
";

/// A whole page.
pub(crate) fn page(desk: &Desk, words: &Words, title: &str, status: StatusCode, body: &Markup) -> Response {
    let whole = html! {
        (DOCTYPE)
        html lang=(words.locale) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href=(desk.settings.at("style.css"));
            }
            body {
                main {
                    h1 { (title) }
                    (body)
                }
            }
        }
    };
    let mut response = (status, whole.into_string()).into_response();
    response.extensions_mut().insert(OwnForm);
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'{}",
        destinations(&desk.settings)
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let fixed: [(HeaderName, &str); 6] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::VARY, "accept-language, cookie"),
    ];
    fixed.into_iter().for_each(|(name, value)| drop(headers.insert(name, HeaderValue::from_static(value))));
    response
}

/// Where a form may lead in the end: browsers look at redirects, too.
fn destinations(settings: &Settings) -> String {
    let all =
        settings.clients.iter().flat_map(|client| client.redirect_uris.iter().chain(&client.post_logout_redirect_uris));
    let origin = |uri: &String| {
        let at = Url::parse(uri).ok()?;
        let own = at.origin();
        Some(if own.is_tuple() { own.ascii_serialization() } else { format!("{}:", at.scheme()) })
    };
    let any_port = settings.clients.iter().any(|client| client.any_loopback_port);
    let more = any_port.then(|| "http://127.0.0.1:*".to_owned());
    let all: BTreeSet<String> = all.filter_map(origin).chain(more).collect();
    all.iter().flat_map(|origin| [" ", origin.as_str()]).collect()
}

/// `/style.css`.
pub(crate) async fn style(State(_): State<Desk>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, STYLE).into_response()
}

/// A field with its label.
pub(crate) fn field(id: &str, label: &str, kind: &str, complete: &str, value: &str, hint: Option<&str>) -> Markup {
    let described = hint.map(|_| format!("{id}-hint"));
    html! {
        label for=(id) { (label) }
        input id=(id) name=(id) type=(kind) autocomplete=(complete) value=(value) required aria-describedby=[described.as_deref()];
        @if let (Some(hint), Some(described)) = (hint, described.as_deref()) {
            div.hint id=(described) { (hint) }
        }
    }
}

/// What went wrong, read aloud.
pub(crate) fn alert(what: Option<&str>) -> Markup {
    html! { @if let Some(what) = what { p role="alert" { (what) } } }
}
