//! What the head of a request may be: asked by everybody who listens, before anything else is done with it.

use axum::{body::Body, response::Response};
use futures::stream;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use hyper::body::Body as _;

use crate::{config::Limits, problem::Problem};

/// Most header lines of a request. The parser's own limit lies above it, so that one line too many gets a reason.
pub const MOST_LINES: usize = 100;
/// What the parser reads at most, in lines.
pub const PARSED_LINES: usize = 128;
/// What a gateway says of a request it passes on. Each is counted once less, so that what it lets through is not refused
/// behind it.
const OF_A_GATEWAY: [&str; 7] = [
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "traceparent",
    "x-bongsu-deadline-ms",
    "x-bongsu-principal",
    "x-bongsu-roles",
];
/// Longest target of a request, in bytes.
const LONGEST_TARGET: usize = 8_192;

/// Marks a request that came over a connection and does not say whom it is for (RFC 9112 §3.2).
#[derive(Clone, Copy)]
pub(crate) struct Nameless;

/// Refuses a head that is too large (414, 431) or means two things at once (400).
///
/// # Errors
/// A problem for the client.
pub fn check(head: &Parts, limits: &Limits) -> Result<(), Problem> {
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    if target.len() > LONGEST_TARGET.min(limits.header_bytes) {
        let detail = format!("At most {} bytes of target are read.", LONGEST_TARGET.min(limits.header_bytes));
        return Err(Problem::of_status(StatusCode::URI_TOO_LONG).detail(detail));
    }
    let line = |name: &str, value: &HeaderValue| name.len() + value.len() + 4;
    let all: usize = head.headers.iter().map(|(name, value)| line(name.as_str(), value)).sum();
    let added = OF_A_GATEWAY.iter().filter_map(|name| Some((*name, head.headers.get(*name)?)));
    let (added, bytes) = added.fold((0, 0), |(lines, bytes), (name, value)| (lines + 1, bytes + line(name, value)));
    if target.len() + all - bytes > limits.header_bytes {
        let detail = format!("At most {} bytes of target and headers are read.", limits.header_bytes);
        return Err(Problem::of_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE).detail(detail));
    }
    if head.headers.len() - added > MOST_LINES {
        let detail = format!("At most {MOST_LINES} header lines are read.");
        return Err(Problem::of_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE).detail(detail));
    }
    if head.headers.get_all(header::HOST).iter().nth(1).is_some() || head.extensions.get::<Nameless>().is_some() {
        return Err(Problem::bad_request("A request has one Host header."));
    }
    if !is_well_escaped(target) {
        return Err(Problem::bad_request(
            "In an address, % is followed by two hexadecimal digits, and all of it is UTF-8.",
        ));
    }
    Ok(())
}

/// Whether every `%` begins an octet and what comes out is UTF-8.
fn is_well_escaped(target: &str) -> bool {
    if !target.contains('%') {
        return true;
    }
    let mut bytes = target.bytes();
    let mut decoded = Vec::with_capacity(target.len());
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let octet = match byte {
            b'%' => digit(bytes.next()).zip(digit(bytes.next())).map(|(high, low)| (high * 16 + low) as u8),
            byte => Some(byte),
        };
        let Some(octet) = octet else { return false };
        decoded.push(octet);
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// An answer to HEAD says no length where GET would not: without this, the empty body of the answer would count as one.
pub fn without_a_guessed_length(method: &Method, answer: Response) -> Response {
    let is_known = answer.headers().contains_key(header::CONTENT_LENGTH) || !answer.body().is_end_stream();
    if method != Method::HEAD || is_known {
        return answer;
    }
    answer.map(|_| Body::from_stream(stream::empty::<Result<bytes::Bytes, std::convert::Infallible>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(target: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = http::Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        check(&head, &Limits::default()).map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn a_head_that_is_too_large_or_means_two_things_is_refused() {
        assert_eq!(checked("/doors?colour=%EC%A3%BC%ff".trim_end_matches("%ff"), &[("host", "a")]), 200);
        assert_eq!(checked("/doors", &[("host", "a"), ("host", "a")]), 400);
        assert_eq!(checked("/doors", &vec![("x-a", "1"); 100]), 200);
        assert_eq!(checked("/doors", &vec![("x-a", "1"); 101]), 431);
        let passed_on: Vec<_> = OF_A_GATEWAY.iter().map(|name| (*name, "1")).chain(vec![("x-a", "1"); 100]).collect();
        assert_eq!(checked("/doors", &passed_on), 200, "what a gateway adds is not counted");
        assert_eq!(checked("/doors", &[&passed_on[..], &[("x-forwarded-for", "2")]].concat()), 431, "but once");
        assert_eq!(checked(&format!("/{}", "a".repeat(8_191)), &[]), 200);
        assert_eq!(checked(&format!("/{}", "a".repeat(8_192)), &[]), 414);
        for bad in ["/%", "/%2", "/%zz", "/doors?a=%", "/%ff", "/doors?a=%c3%28", "/%+1"] {
            assert_eq!(checked(bad, &[]), 400, "{bad}");
        }
    }
}
