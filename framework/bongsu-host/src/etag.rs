//! Entity tags: which version of one thing a client has seen (RFC 9110 §8.8.3 and §13.1).
//!
//! A tag is strong and is the thing's version. What is shown of a thing must therefore follow from that version alone.

use std::{convert::Infallible, fmt};

use axum::{
    Json,
    extract::FromRequestParts,
    response::{IntoResponse as _, Response},
};
use bongsu_core::digest;
use bongsu_runtime::ports::store::CommitId;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;

use crate::problem::Problem;

/// The strong tag of one version of one thing.
///
/// ```
/// use bongsu_host::etag::ETag;
/// assert_eq!(ETag::version(3).to_string(), "\"3\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

/// `If-None-Match` of a read: what the client has already.
///
/// Compared weakly, as RFC 9110 §13.1.2 asks. A header that is no list of tags names nothing the client has, so it
/// is answered in full.
///
/// ```
/// use axum::{Router, body::Body, response::Response, routing::get};
/// use bongsu_host::etag::{ETag, IfNoneMatch};
/// use tower::ServiceExt as _;
///
/// async fn door(known: IfNoneMatch) -> Response {
///     known.answer(&ETag::version(7), &serde_json::json!({ "open": true }))
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let app = Router::new().route("/door", get(door));
/// let request = http::Request::get("/door").header("if-none-match", "\"6\", W/\"7\"").body(Body::empty()).unwrap();
/// assert_eq!(app.oneshot(request).await.unwrap().status(), 304);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfNoneMatch(Condition);

/// `If-Match` of a change (and `If-None-Match`, should a client send that): which version the client saw.
///
/// Compared strongly, as RFC 9110 §13.1.1 asks. A header that is no list of tags is 400: to guess would overwrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch {
    wanted: Condition,
    unwanted: Condition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Absent,
    /// `*`: whatever there is.
    Any,
    Tags(Vec<Tag>),
    Garbage,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    weak: bool,
    text: Vec<u8>,
}

impl ETag {
    /// Of an aggregate or document that counts its versions.
    pub fn version(version: u64) -> Self {
        Self(version.to_string())
    }

    /// Of something whose look depends on more than its own version.
    pub fn of(version: u64, shown: &impl Serialize) -> Self {
        let text = serde_json::to_string(shown).unwrap_or_default();
        Self(format!("{version}-{:016x}", digest(&[&text]) as u64))
    }

    /// Of a row, whose version is the Commit that wrote it last.
    pub fn revision(revision: CommitId) -> Self {
        Self(format!("{:032x}", revision.0))
    }

    /// As a header's value.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("digits and quotes are a header value")
    }
}

impl IfNoneMatch {
    /// Whether the client has this version.
    pub fn knows(&self, current: &ETag) -> bool {
        self.0.matches_weakly(current)
    }

    /// 304 when the client has this version, else 200 with the body; both carry the tag.
    pub fn answer(&self, current: &ETag, body: &impl Serialize) -> Response {
        let tag = [(header::ETAG, current.header())];
        match self.knows(current) {
            true => (StatusCode::NOT_MODIFIED, tag).into_response(),
            false => (tag, Json(body)).into_response(),
        }
    }
}

impl IfMatch {
    /// Refuses a change by a client that has not seen this version.
    ///
    /// # Errors
    /// 428 without `If-Match`, 412 when it names other versions.
    pub fn check(&self, current: &ETag) -> Result<(), Problem> {
        self.required()?;
        self.check_if_given(current)
    }

    /// Refuses a change by a client that does not say what it has seen, whatever there is.
    ///
    /// # Errors
    /// 428 without `If-Match`.
    pub fn required(&self) -> Result<(), Problem> {
        match &self.wanted {
            Condition::Absent => Err(Problem::of_status(StatusCode::PRECONDITION_REQUIRED)
                .detail("Read it first and send its ETag as If-Match.")),
            _ => Ok(()),
        }
    }

    /// As [`check`](Self::check), for a change that may also be asked for unseen.
    ///
    /// # Errors
    /// 412 when the header names other versions.
    pub fn check_if_given(&self, current: &ETag) -> Result<(), Problem> {
        let seen = matches!(self.wanted, Condition::Absent) || self.wanted.matches_strongly(current);
        match seen && !self.unwanted.matches_weakly(current) {
            true => Ok(()),
            false => Err(Problem::of_status(StatusCode::PRECONDITION_FAILED)),
        }
    }
}

impl Condition {
    /// Several lines of one header are one list (RFC 9110 §5.3).
    fn of(headers: &HeaderMap, name: HeaderName) -> Self {
        let lines: Vec<&[u8]> = headers.get_all(name).iter().map(|line| line.as_bytes().trim_ascii()).collect();
        match lines.as_slice() {
            [] => Self::Absent,
            [b"*"] => Self::Any,
            lines => tags(&lines.join(&b","[..])).map_or(Self::Garbage, Self::Tags),
        }
    }

    fn matches_strongly(&self, current: &ETag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| !tag.weak && tag.text == current.0.as_bytes()),
            Self::Absent | Self::Garbage => false,
        }
    }

    fn matches_weakly(&self, current: &ETag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| tag.text == current.0.as_bytes()),
            Self::Absent | Self::Garbage => false,
        }
    }
}

/// `#entity-tag` of RFC 9110 §8.8.3; a comma may stand inside the quotes. `None` when it is none, or empty.
fn tags(mut rest: &[u8]) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        while let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
        }
        if rest.is_empty() {
            return (!tags.is_empty()).then_some(tags);
        }
        let (weak, quoted) = rest.strip_prefix(b"W/").map_or((false, rest), |quoted| (true, quoted));
        let text = quoted.strip_prefix(b"\"")?;
        let end = text.iter().position(|byte| *byte == b'"')?;
        let after = text[end + 1..].trim_ascii_start();
        let text = &text[..end];
        let allowed = text.iter().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..));
        if !allowed || !(after.is_empty() || after.starts_with(b",")) {
            return None;
        }
        tags.push(Tag { weak, text: text.to_vec() });
        rest = after;
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Condition::of(&parts.headers, header::IF_NONE_MATCH)))
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let wanted = Condition::of(&parts.headers, header::IF_MATCH);
        let unwanted = Condition::of(&parts.headers, header::IF_NONE_MATCH);
        match wanted == Condition::Garbage || unwanted == Condition::Garbage {
            true => Err(Problem::bad_request("If-Match is a list of quoted entity tags, or *.")),
            false => Ok(Self { wanted, unwanted }),
        }
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parts(lines: &[(&str, &str)]) -> Parts {
        let request = http::Request::get("/");
        let request = lines.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).expect("a request").into_parts().0
    }

    async fn knows(lines: &[&str]) -> bool {
        let lines: Vec<_> = lines.iter().map(|value| ("if-none-match", *value)).collect();
        let known = IfNoneMatch::from_request_parts(&mut parts(&lines).await, &()).await;
        known.unwrap_or_else(|never| match never {}).knows(&ETag::version(3))
    }

    async fn change(lines: &[(&str, &str)]) -> u16 {
        let seen = IfMatch::from_request_parts(&mut parts(lines).await, &()).await;
        let checked = seen.and_then(|seen| seen.check(&ETag::version(3)));
        checked.map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[tokio::test]
    async fn a_read_compares_weakly_and_takes_lists() {
        for same in ["\"3\"", "W/\"3\"", "\"1\", \"3\"", "*", ",, \"3\" ,", "\"a,b\",W/\"3\"", " \"3\" "] {
            assert!(knows(&[same]).await, "{same}");
        }
        assert!(knows(&["\"1\"", "\"3\""]).await, "two lines are one list");
        for other in ["\"4\"", "3", "\"3", "w/\"3\"", "\"3\" \"4\"", "", ",", "*, \"3\"", "\"33\""] {
            assert!(!knows(&[other]).await, "{other}");
        }
        assert!(!knows(&[]).await);
    }

    #[tokio::test]
    async fn a_change_compares_strongly_and_refuses_garbage() {
        for (value, status) in [
            ("\"3\"", 200),
            ("\"1\", \"3\"", 200),
            ("*", 200),
            ("W/\"3\"", 412),
            ("\"4\"", 412),
            ("3", 400),
            ("\"3", 400),
            ("", 400),
            ("*, \"3\"", 400),
        ] {
            assert_eq!(change(&[("if-match", value)]).await, status, "{value}");
        }
        assert_eq!(change(&[]).await, 428);
        assert_eq!(change(&[("if-match", "*"), ("if-none-match", "*")]).await, 412, "there is something");
    }
}
