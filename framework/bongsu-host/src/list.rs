//! Lists: an opaque cursor, a bounded `limit`, and where the next page is. Never an offset.

use axum::{
    Json,
    extract::FromRequestParts,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderValue, header, request::Parts};
use serde::Serialize;
use serde_json::json;

use crate::problem::Problem;

/// Items of a page nobody asked the size of.
const USUAL: u32 = 50;
/// Most items of a page.
const MOST: u32 = 200;

/// `?cursor=&limit=` of a request for a list. Other parameters are left alone and kept in the next page's
/// address. 400 for a cursor that is none of ours, and for a limit outside 1 to 200.
///
/// ```
/// use axum::{Router, body::Body, response::Response, routing::get};
/// use bongsu_host::{list::List, problem::Problem};
/// use tower::ServiceExt as _;
///
/// async fn doors(list: List) -> Result<Response, Problem> {
///     assert_eq!(list.limit, 2);
///     Ok(list.page(vec!["front", "back"], Some("back".into())))
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let app = Router::new().route("/doors", get(doors));
/// let request = http::Request::get("/doors?limit=2&colour=red").body(Body::empty()).unwrap();
/// let page = app.oneshot(request).await.unwrap();
/// assert_eq!(page.headers()["link"], "</doors?colour=red&limit=2&cursor=6261636b>; rel=\"next\"");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Continue after this.
    pub cursor: Option<Bytes>,
    /// At most so many items.
    pub limit: u32,
    /// The address without cursor and limit.
    address: String,
}

impl List {
    /// One page: `{"items": […], "next": "cursor" or null}`, and a `Link` to the next one if there may be one.
    pub fn page<T: Serialize>(&self, items: Vec<T>, next: Option<Bytes>) -> Response {
        let next = next.map(|cursor| hex(&cursor));
        let mut response = Json(json!({ "items": items, "next": next })).into_response();
        let separator = if self.address.contains('?') { '&' } else { '?' };
        let link =
            next.map(|next| format!("<{}{separator}limit={}&cursor={next}>; rel=\"next\"", self.address, self.limit));
        if let Some(Ok(link)) = link.map(HeaderValue::try_from) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

impl<S: Sync> FromRequestParts<S> for List {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (mut cursor, mut limit, mut others) = (None, USUAL, Vec::new());
        for pair in parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("cursor", text) => cursor = Some(unhex(text).ok_or_else(not_a_cursor)?),
                ("limit", text) => limit = text.parse().ok().filter(fits).ok_or_else(not_a_limit)?,
                _ => others.push(pair),
            }
        }
        let separator = if others.is_empty() { "" } else { "?" };
        let address = format!("{}{separator}{}", parts.uri.path(), others.join("&"));
        Ok(Self { cursor, limit, address })
    }
}

fn fits(limit: &u32) -> bool {
    (1..=MOST).contains(limit)
}

fn not_a_limit() -> Problem {
    Problem::bad_request(format!("A limit is between 1 and {MOST}."))
}

fn not_a_cursor() -> Problem {
    Problem::bad_request("The cursor is not one this list gave.")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Bytes> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] => {
            let value = char::from(*high).to_digit(16)? * 16 + char::from(*low).to_digit(16)?;
            u8::try_from(value).ok()
        }
        _ => None,
    };
    if text.is_empty() || text.len() > 1_024 {
        return None;
    }
    digits.map(byte).collect::<Option<Vec<u8>>>().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn list(address: &str) -> Result<List, Problem> {
        let (mut parts, ()) = http::Request::get(address).body(()).expect("an address").into_parts();
        List::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn a_cursor_reads_back_as_it_was_given() {
        let cursor = Bytes::from_static(&[0, 9, 255, b'a']);
        let read = list(&format!("/doors?cursor={}", hex(&cursor))).await.unwrap();
        assert_eq!((read.cursor, read.limit), (Some(cursor), 50));
    }

    #[tokio::test]
    async fn garbage_is_refused() {
        for bad in ["cursor=", "cursor=x", "cursor=abc", "cursor=%00", "limit=0", "limit=201", "limit=-1", "limit=x"] {
            assert_eq!(list(&format!("/doors?{bad}")).await.unwrap_err().status(), 400, "{bad}");
        }
        assert_eq!(list(&format!("/doors?cursor={}", "a".repeat(2_000))).await.unwrap_err().status(), 400);
    }
}
