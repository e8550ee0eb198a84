//! Which client asks: by `Authorization: Basic`, by `client_id` and `client_secret` in the body, or, without a secret, by its
//! name alone.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};

use super::{
    form::{Params, Unreadable},
    refusal::Refusal,
};
use crate::settings::{Client, Settings};

/// The client that asks.
pub(crate) fn client<'s>(settings: &'s Settings, headers: &HeaderMap, params: &Params) -> Result<&'s Client, Refusal> {
    let in_body = params.get("client_secret");
    let Some((id, secret)) = basic(headers)? else {
        let id = params.get("client_id").ok_or_else(|| Refusal::client("no client is named"))?;
        return match (settings.client(id), in_body) {
            (Some(client), None) if client.is_public() => Ok(client),
            (Some(client), Some(secret)) if client.proves(secret) => Ok(client),
            _ => Err(Refusal::client("the client is unknown or its secret is another")),
        };
    };
    if in_body.is_some() || params.get("client_id").is_some_and(|other| other != id) {
        return Err(Refusal::new("invalid_request", "the client says in two ways who it is"));
    }
    let client = settings.client(&id).filter(|client| client.proves(&secret));
    client.ok_or_else(|| Refusal::client("the client is unknown or its secret is another"))
}

/// Name and secret of a header, both escaped as in a form (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Refusal> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let wrong = || Refusal::client("the Authorization header is not understood");
    if given.next().is_some() {
        return Err(wrong());
    }
    let (scheme, coded) = first.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(wrong());
    }
    let plain = BASE64_STANDARD.decode(coded.trim()).ok().and_then(|plain| String::from_utf8(plain).ok());
    let plain = plain.ok_or_else(wrong)?;
    let (id, secret) = plain.split_once(':').ok_or_else(wrong)?;
    Ok(Some((unescaped(id)?, unescaped(secret)?)))
}

fn unescaped(text: &str) -> Result<String, Unreadable> {
    // No `&` or `=` of a form can be in it: they would have been escaped.
    let read = Params::parse(format!("it={}", text.replace('&', "%26")).as_bytes())?;
    Ok(read.get("it").unwrap_or_default().to_owned())
}
