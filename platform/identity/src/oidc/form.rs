//! The parameters of a request: each at most once, bounded, without control characters.

use std::{collections::BTreeMap, convert::Infallible};

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use http::{HeaderMap, StatusCode, header};
use url::form_urlencoded;

/// Largest body, in bytes.
const LARGEST: usize = 16 << 10;
/// Longest value, in bytes.
const LONGEST: usize = 4 << 10;
/// Most parameters.
const MOST: usize = 40;

/// Names and values; one that is empty counts as absent (RFC 6749 §3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(BTreeMap<String, String>);

/// Why a request's parameters cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) status: StatusCode,
    pub(crate) why: &'static str,
}

/// The form in a request's body, which each endpoint refuses in its own words.
pub(crate) struct Form(pub(crate) Result<Params, Unreadable>);

impl Params {
    /// Reads what stands in an address or a body.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Unreadable> {
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text) {
            if params.len() == MOST {
                return Err(Unreadable::bad("there are too many parameters"));
            }
            // Replaced where it was no UTF-8.
            if [&name, &value].into_iter().any(|text| text.chars().any(|it| it.is_control() || it == '\u{fffd}')) {
                return Err(Unreadable::bad("a parameter is not readable text"));
            }
            if name.len() + value.len() > LONGEST {
                return Err(Unreadable::bad("a parameter is too long"));
            }
            if params.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Unreadable::bad("a parameter is given twice"));
            }
        }
        params.retain(|_, value| !value.is_empty());
        Ok(Self(params))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same without a parameter.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// As it is written in an address.
    pub(crate) fn written(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

impl Unreadable {
    fn bad(why: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, why }
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(read(request).await))
    }
}

async fn read(request: Request) -> Result<Params, Unreadable> {
    if !is_a_form(request.headers()) {
        return Err(Unreadable::bad("the body must be application/x-www-form-urlencoded"));
    }
    let body = to_bytes(request.into_body(), LARGEST).await;
    let too_large = |_| Unreadable { status: StatusCode::PAYLOAD_TOO_LARGE, why: "the body is too large or broke off" };
    Params::parse(&body.map_err(too_large)?)
}

fn is_a_form(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let kind = kinds.next().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") && kinds.next().is_none()
}

/// An address with more in its query.
pub(crate) fn with_query(address: &str, more: &[(&str, &str)]) -> String {
    let join = if address.contains('?') { '&' } else { '?' };
    let more = form_urlencoded::Serializer::new(String::new()).extend_pairs(more).finish();
    format!("{address}{join}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_given_once_and_empty_is_absent() {
        let params = Params::parse(b"a=1&b=&c=%EC%A3%BC+2").expect("readable");
        assert_eq!((params.get("a"), params.get("b"), params.get("c")), (Some("1"), None, Some("주 2")));
        for bad in ["a=1&a=1", "a=1&%61=2", "a=%00", "a=%ff", "a=%0a", &format!("a={}", "x".repeat(5_000))] {
            assert!(Params::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let many: Vec<String> = (0..41).map(|at| format!("a{at}=1")).collect();
        assert!(Params::parse(many.join("&").as_bytes()).is_err());
    }

    #[test]
    fn what_is_added_to_an_address_is_escaped() {
        assert_eq!(with_query("https://a.example/b?c=1", &[("d", "1 &")]), "https://a.example/b?c=1&d=1+%26");
    }
}
