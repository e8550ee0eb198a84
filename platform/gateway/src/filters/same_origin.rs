//! Nobody's page makes a browser do something here in the name of whoever is logged in (cross-site request forgery).

use bongsu_host::problem::Problem;
use http::{HeaderMap, Method, StatusCode, request};

use crate::filter::{Exchange, Filter, Flow};
use crate::sessions::cookies::{self, SESSION, VISITOR};

/// Refuses with 403 what changes something or opens a WebSocket, comes with a cookie of ours, and not from a page of this very address: a browser
/// says so by `Sec-Fetch-Site` (Fetch Metadata), or else by `Origin`. A program that shows a token and no cookie says neither,
/// and need not.
pub struct SameOrigin;

impl Filter for SameOrigin {
    fn name(&self) -> &'static str {
        "same-origin"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let headers = &request.headers;
        let has_cookie = cookies::has(headers, SESSION) || cookies::has(headers, VISITOR);
        // What is read by another's page stays unread by it, but whatever comes over a WebSocket it has.
        let is_read = is_read(&request.method) && exchange.upgrade.is_none();
        let is_ours = !has_cookie || is_read || comes_from_here(headers) == Some(true);
        if is_ours { Flow::Continue } else { refused().into() }
    }
}

/// Whether that changes nothing (RFC 9110, section 9.2.1).
pub(super) fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a page of this address sent it; `None` when the browser, or whatever it is, does not say.
pub(super) fn comes_from_here(headers: &HeaderMap) -> Option<bool> {
    let all =
        |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect::<Vec<_>>();
    let site = match all("sec-fetch-site")[..] {
        [] => None,
        // "none": somebody typed it, or it is a bookmark.
        ["same-origin" | "none"] => Some(true),
        _ => Some(false),
    };
    let origin = match all("origin")[..] {
        [] => None,
        [origin] => Some(is_here(origin, headers)),
        _ => Some(false),
    };
    // No page can write the first; the second is "null" also from a page of ours that tells nobody where it is.
    site.or(origin)
}

/// Whether it names the host that was asked.
fn is_here(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get("x-forwarded-host").and_then(|host| host.to_str().ok());
    let at = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    at.zip(host).is_some_and(|(at, host)| at.eq_ignore_ascii_case(host))
}

pub(super) fn refused() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "cross-site", "This comes from another place's page")
        .detail("What changes something and comes with a cookie has to come from a page of this address.")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn from(lines: &[(&'static str, &str)]) -> Option<bool> {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-host", HeaderValue::from_static("house.example:8443"));
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        comes_from_here(&headers)
    }

    #[test]
    fn a_browser_says_from_where_it_comes() {
        let (site, origin) = ("sec-fetch-site", "origin");
        assert_eq!(from(&[]), None);
        for here in [
            &[(site, "same-origin")][..],
            &[(site, "none")],
            &[(origin, "https://house.example:8443")],
            &[(origin, "https://House.example:8443"), (site, "same-origin")],
            &[(origin, "null"), (site, "same-origin")],
        ] {
            assert_eq!(from(here), Some(true), "{here:?}");
        }
        for elsewhere in [
            &[(site, "cross-site")][..],
            &[(site, "same-site")],
            &[(site, "")],
            &[(site, "same-origin"), (site, "same-origin")],
            &[(origin, "null")],
            &[(origin, "https://evil.example")],
            &[(origin, "https://house.example")],
            &[(origin, "https://house.example:8443.evil.example")],
            &[(origin, "https://evil.example/house.example:8443")],
            &[(origin, "house.example:8443")],
            &[(origin, "ftp://house.example:8443")],
            &[(origin, "https://house.example:8443"), (origin, "https://evil.example")],
            &[(origin, "https://house.example:8443"), (site, "cross-site")],
        ] {
            assert_eq!(from(elsewhere), Some(false), "{elsewhere:?}");
        }
    }
}
