//! Answers that are made smaller, and what stays as it is.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bongsu_host::etag::{ETag, IfMatch, IfNoneMatch};
use gateway::Settings;
use gateway::compression::Compression;
use serde_json::json;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::decompression::DecompressionLayer;

use crate::shaping::serving;
use crate::street::Street;

fn long() -> String {
    "all doors are open, all doors are shut; ".repeat(200)
}

fn of_kind(kind: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], long()).into_response()
}

async fn read(known: IfNoneMatch) -> Response {
    known.answer(&ETag::version(7), &json!({ "text": long() }))
}

async fn change(seen: IfMatch) -> Response {
    match seen.check(&ETag::version(7)) {
        Ok(()) => ([(header::ETAG, ETag::version(8).header())], axum::Json(json!({ "text": long() }))).into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn with(mut answer: Response, name: header::HeaderName, value: &'static str) -> Response {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
    answer
}

async fn street(compression: Option<Compression>) -> Street {
    let mut street = Street::set(Settings { compression, ..Settings::default() });
    let part = async || {
        let answer = with(of_kind("text/plain"), header::CONTENT_RANGE, "bytes 0-9/10");
        (StatusCode::PARTIAL_CONTENT, answer).into_response()
    };
    let routes = Router::new()
        .route("/door", get(read).put(change))
        .route("/text", get(async || of_kind("text/plain; charset=utf-8")))
        .route("/svg", get(async || of_kind("image/svg+xml")))
        .route("/picture", get(async || of_kind("image/png")))
        .route("/nothing", get(async || long().into_bytes()))
        .route("/events", get(async || of_kind("text/event-stream")))
        .route("/Events", get(async || of_kind("Text/Event-Stream; charset=utf-8")))
        .route("/small", get(async || "small"))
        .route("/packed", get(async || with(of_kind("text/plain"), header::CONTENT_ENCODING, "gzip")))
        .route("/signed", get(async || with(of_kind("text/plain"), header::CACHE_CONTROL, "public, no-transform")))
        .route("/part", get(part))
        .route("/empty", get(async || StatusCode::NO_CONTENT));
    serving(&mut street, routes).await;
    street
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    bytes: usize,
    text: String,
}

impl Got {
    fn line(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn ask(street: &Street, method: &str, path: &str, lines: &[(&str, &str)]) -> Got {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let answer = street.gateway.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let sent = to_bytes(body, 1 << 20).await.unwrap();
    let (status, headers, bytes) = (head.status, head.headers.clone(), sent.len());
    let mut packed = Some(Response::from_parts(head, Body::from(sent)));
    let again = service_fn(move |_: Request<Body>| {
        let packed = packed.take().unwrap();
        async { Ok::<_, Infallible>(packed) }
    });
    let unpacked = DecompressionLayer::new().layer(again).oneshot(Request::new(Body::empty())).await.unwrap();
    let unpacked = to_bytes(Body::new(unpacked.into_body()), 1 << 20).await;
    let text = unpacked.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    Got { status, headers, bytes, text }
}

#[tokio::test]
async fn a_text_is_sent_as_whoever_asks_prefers_it() {
    let street = street(Some(Compression::default())).await;
    for (accepts, form) in [
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("zstd", Some("zstd")),
        ("gzip;q=0.5, br;q=0.9", Some("br")),
        ("br;q=0, gzip", Some("gzip")),
        ("GZIP", Some("gzip")),
        ("deflate", None),
        ("identity", None),
        ("", None),
        ("gzip;q=0", None),
        ("gzip;q=0, identity;q=0", None),
        ("*;q=0", None),
        ("gzip;q=nan", None),
    ] {
        let got = ask(&street, "GET", "/text", &[("accept-encoding", accepts)]).await;
        assert_eq!((got.status, got.line("content-encoding")), (StatusCode::OK, form), "{accepts}");
        assert_eq!(got.text, long(), "{accepts}");
        assert_eq!(got.line("vary"), Some("accept-encoding"), "{accepts}");
        assert_eq!(got.bytes < 1_000, form.is_some(), "{accepts}: {}", got.bytes);
        assert_eq!(got.line("content-length").is_none(), form.is_some(), "{accepts}");
    }
    let head = ask(&street, "HEAD", "/text", &[("accept-encoding", "gzip")]).await;
    assert_eq!(
        (head.status, head.line("content-encoding"), head.line("content-length")),
        (StatusCode::OK, Some("gzip"), None)
    );
    assert_eq!(ask(&street, "GET", "/svg", &[("accept-encoding", "br")]).await.line("content-encoding"), Some("br"));
}

#[tokio::test]
async fn what_would_not_shrink_or_must_stay_stays_as_it_is() {
    let on = street(Some(Compression::default())).await;
    for path in ["/picture", "/nothing", "/events", "/Events", "/small", "/signed", "/part", "/empty"] {
        let got = ask(&on, "GET", path, &[("accept-encoding", "gzip, br, zstd")]).await;
        assert_eq!((got.line("content-encoding"), got.line("vary")), (None, None), "{path}");
    }
    let packed = ask(&on, "GET", "/packed", &[("accept-encoding", "br")]).await;
    assert_eq!((packed.line("content-encoding"), packed.bytes), (Some("gzip"), long().len()), "not twice");
    let off = street(None).await;
    let got = ask(&off, "GET", "/text", &[("accept-encoding", "gzip")]).await;
    assert_eq!((got.line("content-encoding"), got.line("vary"), got.bytes), (None, None, long().len()));
    let got = ask(&off, "GET", "/door", &[("accept-encoding", "gzip")]).await;
    assert_eq!(got.line("etag"), Some("\"7\""));
    let only = street(Some(Compression { encodings: vec!["gzip".into()], ..Compression::default() })).await;
    let got = ask(&only, "GET", "/text", &[("accept-encoding", "br, gzip;q=0.1")]).await;
    assert_eq!(got.line("content-encoding"), Some("gzip"));
}

#[tokio::test]
async fn a_change_is_made_against_the_version_that_was_read_in_whatever_form() {
    let street = street(Some(Compression::default())).await;
    for form in ["gzip", "br", "zstd"] {
        let accepts = ("accept-encoding", form);
        let read = ask(&street, "GET", "/door", &[accepts]).await;
        let tag = read.line("etag").unwrap().to_owned();
        assert_eq!(tag, format!("\"7~{form}\""), "a form has a tag of its own");
        let again = ask(&street, "GET", "/door", &[accepts, ("if-none-match", &tag)]).await;
        assert_eq!((again.status, again.line("etag")), (StatusCode::NOT_MODIFIED, Some(&*tag)));
        let changed = ask(&street, "PUT", "/door", &[("if-match", &tag)]).await;
        assert_eq!((changed.status, changed.line("etag")), (StatusCode::OK, Some("\"8\"")));
        let changed = ask(&street, "PUT", "/door", &[accepts, ("if-match", &format!("\"1\", {tag}"))]).await;
        assert_eq!((changed.status, changed.line("etag")), (StatusCode::OK, Some(&*format!("\"8~{form}\""))));
        let stale = ask(&street, "PUT", "/door", &[accepts, ("if-match", &format!("\"6~{form}\""))]).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    }
    let plain = ask(&street, "GET", "/door", &[("if-none-match", "\"7\"")]).await;
    assert_eq!((plain.status, plain.line("etag")), (StatusCode::NOT_MODIFIED, Some("\"7\"")));
    for (garbage, expected) in
        [("\"7~deflate\"", 412), ("~gzip", 400), ("\"7~gzip", 400), ("W/\"7~gzip\"", 412), ("", 400)]
    {
        let got = ask(&street, "PUT", "/door", &[("if-match", garbage)]).await;
        assert_eq!(got.status.as_u16(), expected, "{garbage}: {}", got.text);
    }
}
