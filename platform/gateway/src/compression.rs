//! Answers that are made smaller on their way, by the crate `tower-http`: texts above a size, with gzip, Brotli or Zstandard, as whoever
//! asks prefers. Streams of events, what is compressed already, parts (206) and what says `no-transform` stay as they are.
//!
//! A tag is of one form of an answer (RFC 9110, section 8.8.3): a strong one is given a mark, `"7~gzip"`, and the mark is taken out of
//! `If-Match` and `If-None-Match` before anybody reads them. So a change is still made against the version that was read, in whichever form, and
//! a 304 says the tag that was asked with.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use bongsu_host::config::within;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version, request};
use hyper::body::Body as HttpBody;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::{CompressionLayer, Predicate};

/// What can be made, by its name in `Accept-Encoding`.
const ALL: [&str; 3] = ["br", "gzip", "zstd"];
/// The best of gzip. Brotli's 11 and what Zstandard has above 19 take a hundred times as long as the fast ones, and memory for
/// each answer.
const BEST: i32 = 9;
/// What marks a tag that a service gave an answer that is sent as it is, where it would be taken for one of ours.
const AS_IT_IS: &str = "identity";
/// Kinds that shrink, beside `text/…`, `…+json` and `…+xml`.
const KINDS: [&str; 6] = [
    "application/json",
    "application/javascript",
    "application/xml",
    "application/wasm",
    "application/manifest",
    "image/svg",
];

/// Which answers are made smaller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compression {
    /// Those of so many bytes at least; a smaller one would not be sent sooner.
    #[serde(deserialize_with = "within::<_, _, 1, 1_048_576>")]
    pub least_bytes: usize,
    /// Some of `br`, `gzip` and `zstd`.
    #[serde(deserialize_with = "encodings")]
    pub encodings: Vec<String>,
    /// How much time it is given.
    pub level: Level,
}

/// How much time compression is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Little: answers are made anew each time.
    #[default]
    Fast,
    /// What each of them has by itself.
    Usual,
    /// Much; what would cost several times as much for a few percent is left.
    Best,
}

impl Default for Compression {
    fn default() -> Self {
        // What fits one packet is sent in one packet.
        Self { least_bytes: 1_024, encodings: ALL.map(str::to_owned).into(), level: Level::Fast }
    }
}

fn encodings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let all = Vec::<String>::deserialize(deserializer)?;
    match !all.is_empty() && all.iter().all(|name| ALL.contains(&name.as_str())) {
        true => Ok(all),
        false => Err(D::Error::custom("must be some of \"br\", \"gzip\" and \"zstd\"")),
    }
}

/// Makes them smaller.
pub(crate) struct Press {
    layer: CompressionLayer<Worth>,
}

/// What a request said of it.
pub(crate) struct Wish {
    accepts: Option<HeaderValue>,
    /// The form whose tag it came with.
    has: Option<&'static str>,
    /// Whether only the head of the answer is wanted, by HTTP/2, which has nobody who leaves out a body that is none.
    is_head: bool,
}

#[derive(Clone)]
struct Worth {
    least: u64,
}

impl Press {
    pub(crate) fn new(settings: &Compression) -> Self {
        let has = |name: &str| settings.encodings.iter().any(|one| one == name);
        let level = match settings.level {
            Level::Fast => CompressionLevel::Fastest,
            Level::Usual => CompressionLevel::Default,
            Level::Best => CompressionLevel::Precise(BEST),
        };
        let layer = CompressionLayer::new().br(has("br")).gzip(has("gzip")).zstd(has("zstd")).quality(level);
        Self { layer: layer.compress_when(Worth { least: settings.least_bytes as u64 }) }
    }

    /// Takes the marks out of a request's tags.
    pub(crate) fn read(head: &mut request::Parts) -> Wish {
        let has = unmark(&mut head.headers, IF_NONE_MATCH);
        unmark(&mut head.headers, IF_MATCH);
        let is_head = head.method == Method::HEAD && head.version == Version::HTTP_2;
        let mut all = head.headers.get_all(ACCEPT_ENCODING).iter();
        Wish { accepts: all.next().filter(|_| all.next().is_none()).cloned(), has, is_head }
    }

    /// The answer as it is sent.
    pub(crate) async fn press(&self, wish: Wish, answer: Response) -> Response {
        let status = answer.status();
        let before = answer.headers().contains_key(CONTENT_ENCODING);
        let mut request = Request::new(());
        if let Some(accepts) = wish.accepts {
            request.headers_mut().insert(ACCEPT_ENCODING, accepts);
        }
        let mut answer = Some(answer);
        let given = service_fn(move |_| {
            let answer = answer.take().unwrap_or_default();
            async { Ok::<_, Infallible>(answer) }
        });
        let pressed = self.layer.layer(given).oneshot(request).await.unwrap_or_else(|never| match never {});
        let (mut head, body) = pressed.into_parts();
        // The service has acted: that there is no form its answer would be taken in changes nothing about that.
        head.status = status;
        let form = head.headers.get(CONTENT_ENCODING).filter(|_| !before).and_then(form_of);
        let form = form.or(wish.has.filter(|_| status == StatusCode::NOT_MODIFIED));
        if let Some(form) = form.or_else(|| looks_marked(&head.headers).then_some(AS_IT_IS)) {
            mark(&mut head.headers, form);
        }
        Response::from_parts(head, if wish.is_head { Body::empty() } else { Body::new(body) })
    }
}

impl Predicate for Worth {
    fn should_compress<B: HttpBody>(&self, answer: &http::Response<B>) -> bool {
        let text = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = text(CONTENT_TYPE).to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let shrinks = kind.starts_with("text/") || kind.ends_with("+json") || kind.ends_with("+xml");
        let is_stream = kind == "text/event-stream";
        // An answer to HEAD says what one to GET would.
        let told = text(CONTENT_LENGTH).parse().ok().or_else(|| answer.body().size_hint().upper());
        let is_long = told.is_none_or(|bytes: u64| bytes >= self.least);
        let may = !text(CACHE_CONTROL).to_ascii_lowercase().contains("no-transform");
        may && is_long && !is_stream && (shrinks || KINDS.iter().any(|known| kind.starts_with(known)))
    }
}

fn form_of(value: &HeaderValue) -> Option<&'static str> {
    ALL.into_iter().find(|name| value.as_bytes() == name.as_bytes())
}

/// A strong tag of one form; a weak one is of all.
fn mark(headers: &mut HeaderMap, form: &str) {
    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    let marked = tag.and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
    if let Some(Ok(marked)) = marked.map(|tag| HeaderValue::try_from(format!("\"{tag}~{form}\""))) {
        headers.insert(ETAG, marked);
    }
}

/// Takes the marks out; which one there was.
fn unmark(headers: &mut HeaderMap, name: http::HeaderName) -> Option<&'static str> {
    let is_marked = |line: &HeaderValue| line.as_bytes().contains(&b'~');
    if !headers.get_all(&name).iter().any(is_marked) {
        return None;
    }
    let mut found = None;
    let lines: Vec<HeaderValue> = headers.get_all(&name).iter().cloned().collect();
    headers.remove(&name);
    for line in lines {
        let text = without_marks(line.to_str().unwrap_or_default(), &mut found);
        // What is no text has no tag of ours in it.
        let line = if text.is_empty() { line } else { HeaderValue::try_from(text).unwrap_or(line) };
        headers.append(&name, line);
    }
    found
}

/// The mark at the end of a tag, without its quotes.
fn mark_of(tag: &str) -> Option<&'static str> {
    let (_, mark) = tag.rsplit_once('~')?;
    ALL.into_iter().chain([AS_IT_IS]).find(|form| *form == mark)
}

/// Whether a service's own tag ends as one of ours would.
fn looks_marked(headers: &HeaderMap) -> bool {
    let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok()?.strip_prefix('"')?.strip_suffix('"'));
    tag.and_then(mark_of).is_some()
}

/// Tags without their marks, one of each: what is before it is a service's own.
fn without_marks(text: &str, found: &mut Option<&'static str>) -> String {
    let mut left = String::with_capacity(text.len());
    let quotes = text.matches('"').count();
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            left.push('"');
        }
        // What stands between two quotes is a tag.
        let is_tag = at % 2 == 1 && at < quotes;
        match mark_of(part).filter(|_| is_tag) {
            Some(form) => {
                *found = Some(form);
                left.push_str(&part[..part.len() - form.len() - 1]);
            }
            None => left.push_str(part),
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn unmarked(lines: &[&'static str]) -> (Vec<String>, Option<&'static str>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, HeaderValue::from_static(line));
        }
        let found = unmark(&mut headers, IF_MATCH);
        let left = headers.get_all(IF_MATCH).iter().map(|line| line.to_str().expect("text").to_owned()).collect();
        (left, found)
    }

    #[test]
    fn the_mark_of_a_form_is_taken_out_of_every_tag_and_nothing_else_is() {
        assert_eq!(unmarked(&["\"7~gzip\""]), (vec!["\"7\"".to_owned()], Some("gzip")));
        let (left, found) = unmarked(&["\"7~br\", W/\"8\", \"9~zstd\"", "*"]);
        assert_eq!((left, found.is_some()), (vec!["\"7\", W/\"8\", \"9\"".to_owned(), "*".to_owned()], true));
        assert_eq!(unmarked(&["\"7~gzip~br\", \"8~br~identity\""]).0, ["\"7~gzip\", \"8~br\""], "one of each");
        for same in ["\"7\"", "*", "\"7~deflate\"", "\"7~gzip", "~gzip", "\"~gzip 7\"", ""] {
            assert_eq!(unmarked(&[same]), (vec![same.to_owned()], None), "{same}");
        }
    }

    #[test]
    fn a_strong_tag_is_marked_and_a_weak_one_is_not() {
        for (tag, expected) in [("\"7\"", "\"7~br\""), ("W/\"7\"", "W/\"7\""), ("7", "7"), ("\"", "\"")] {
            let mut headers = HeaderMap::new();
            headers.insert(ETAG, HeaderValue::from_static(tag));
            mark(&mut headers, "br");
            assert_eq!(headers[ETAG], expected);
        }
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let of = |value: serde_json::Value| serde_json::from_value::<Compression>(value).map_err(|why| why.to_string());
        assert_eq!(of(json!({})), Ok(Compression::default()));
        for (bad, why) in [
            (json!({ "least_bytes": 0 }), "from 1 to 1048576"),
            (json!({ "encodings": [] }), "some of \"br\", \"gzip\" and \"zstd\""),
            (json!({ "encodings": ["deflate"] }), "some of \"br\", \"gzip\" and \"zstd\""),
            (json!({ "level": "slow" }), "unknown variant `slow`"),
            (json!({ "levels": 1 }), "unknown field `levels`"),
        ] {
            let refused = of(bad.clone()).expect_err(&bad.to_string());
            assert!(refused.contains(why), "{bad}: {refused}");
        }
    }
}
