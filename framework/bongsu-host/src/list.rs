//! Lists: an opaque cursor, a bounded `limit`, and where the next page is. Never an offset.

use axum::{
    Json,
    extract::FromRequestParts,
    response::{IntoResponse as _, Response},
};
use bongsu_core::digest;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header, request::Parts};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    principal::PRINCIPAL,
    problem::Problem,
    query::{once, pairs, written},
};

/// Items of a page nobody asked the size of.
pub(crate) const USUAL: u32 = 50;
/// Most items of a page.
pub(crate) const MOST: u32 = 200;
/// Longest cursor, in hexadecimal digits.
pub(crate) const LONGEST: usize = 1_024;
/// A cursor begins with so many bytes that say which list gave it.
const SEAL: usize = 8;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// In the list's order, at most `limit`.
    pub items: Vec<T>,
    /// The cursor of the next page; null when there is none.
    #[schema(required)]
    pub next: Option<String>,
}

/// `?cursor=&limit=` of a request for a list. Other parameters are left alone and kept in the next page's
/// address. 400 for a cursor that this list did not give to this principal, for a limit outside 1 to 200, and for
/// either of them twice.
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
/// let link = page.headers()["link"].to_str().unwrap();
/// assert!(link.starts_with("</doors?colour=red&limit=2&cursor=") && link.ends_with(">; rel=\"next\""));
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
    /// What a cursor belongs to: path, principal and filters.
    scope: String,
}

impl List {
    /// One page: `{"items": […], "next": "cursor" or null}`, and a `Link` to the next one if there is one.
    pub fn page<T: Serialize>(&self, items: Vec<T>, next: Option<Bytes>) -> Response {
        self.page_as(next, |next| Page { items, next })
    }

    /// As [`List::page`], of a list that says more than that: `body` is given the cursor of the next page.
    pub fn page_as<B: Serialize>(&self, next: Option<Bytes>, body: impl FnOnce(Option<String>) -> B) -> Response {
        let next = next.map(|key| hex(&[&seal(&self.scope, &key)[..], &key[..]].concat()));
        let separator = if self.address.contains('?') { '&' } else { '?' };
        let link = next
            .as_ref()
            .map(|next| format!("<{}{separator}limit={}&cursor={next}>; rel=\"next\"", self.address, self.limit));
        let mut response = Json(body(next)).into_response();
        if let Some(Ok(link)) = link.map(HeaderValue::try_from) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }

    /// A list that is always one page.
    pub fn whole<T: Serialize>(&self, items: Vec<T>) -> Response {
        self.page(items, None)
    }

    fn of(parts: &Parts) -> Result<Self, Problem> {
        let is_ours = |(name, _): &(String, String)| matches!(name.as_str(), "cursor" | "limit");
        let others: Vec<(String, String)> = pairs(&parts.uri)?.into_iter().filter(|pair| !is_ours(pair)).collect();
        let separator = if others.is_empty() { "" } else { "?" };
        let again: Vec<String> = others.iter().map(|(name, value)| written(name, value)).collect();
        let address = format!("{}{separator}{}", parts.uri.path(), again.join("&"));
        // A client that turns pages may well ask to see a later write meanwhile.
        let filters = others.iter().filter(|(name, _)| name != "after").map(|(name, value)| format!("{name}={value}"));
        let filters = filters.collect::<Vec<_>>().join("&");
        let scope = format!("{}\0{}\0{filters}", parts.uri.path(), principal(&parts.headers));
        let cursor = once(&parts.uri, "cursor")?.map(|text| unseal(&scope, &text).ok_or_else(not_a_cursor));
        let limit = once(&parts.uri, "limit")?.map(|text| text.parse().ok().filter(fits).ok_or_else(not_a_limit));
        Ok(Self { cursor: cursor.transpose()?, limit: limit.transpose()?.unwrap_or(USUAL), address, scope })
    }
}

impl<S: Sync> FromRequestParts<S> for List {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(parts)
    }
}

fn principal(headers: &HeaderMap) -> String {
    headers.get(PRINCIPAL).map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned()).unwrap_or_default()
}

/// Tells the list a cursor came from. It is no secret: what a list shows is bounded by its range, not by its cursor.
fn seal(scope: &str, key: &[u8]) -> [u8; SEAL] {
    let digest = digest(&["cursor", scope, &hex(key)]).to_be_bytes();
    std::array::from_fn(|at| digest[at])
}

/// The key in a cursor, if this list gave it.
fn unseal(scope: &str, text: &str) -> Option<Bytes> {
    let cursor = unhex(text)?;
    let key = cursor.get(SEAL..).filter(|key| !key.is_empty())?;
    (cursor[..SEAL] == seal(scope, key)).then(|| cursor.slice(SEAL..))
}

fn fits(limit: &u32) -> bool {
    (1..=MOST).contains(limit)
}

fn not_a_limit() -> Problem {
    Problem::bad_request(format!("A limit is between 1 and {MOST}."))
}

fn not_a_cursor() -> Problem {
    Problem::bad_request("The cursor is not one this list gave. Start without a cursor.")
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
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    digits.map(byte).collect::<Option<Vec<u8>>>().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(who: &str, address: &str) -> Result<List, Problem> {
        let request = http::Request::get(address).header(PRINCIPAL, who);
        List::of(&request.body(()).expect("an address").into_parts().0)
    }

    /// The address of the page after this one.
    fn next(who: &str, address: &str, key: &'static [u8]) -> String {
        let page = list(who, address).expect("a list").page(vec![1], Some(Bytes::from_static(key)));
        let link = page.headers()[header::LINK].to_str().expect("text");
        link.trim_start_matches('<').split('>').next().expect("an address").to_owned()
    }

    #[test]
    fn a_cursor_reads_back_as_it_was_given() {
        let key = &[0, 9, 255, b'a'];
        let next = next("ann", "/doors?limit=7&colour=red&after=x", key);
        let read = list("ann", &next).unwrap();
        assert_eq!((read.cursor.as_deref(), read.limit), (Some(&key[..]), 7));
        assert_eq!(list("ann", &next.replace("after=x", "after=y")).unwrap().cursor.as_deref(), Some(&key[..]));
    }

    #[test]
    fn a_cursor_of_another_list_principal_or_filter_is_refused() {
        let next = next("ann", "/doors?colour=red", b"key");
        for (who, address) in [
            ("bob", next.clone()),
            ("ann", next.replace("/doors", "/windows")),
            ("ann", next.replace("colour=red", "colour=blue")),
            ("ann", next.replace("colour=red&", "")),
            ("ann", format!("{next}00")),
        ] {
            assert_eq!(list(who, &address).unwrap_err().status(), 400, "{who} {address}");
        }
    }

    #[test]
    fn a_query_is_read_in_one_way_however_it_is_written() {
        for (asked, other) in [
            ("/doors?%6cimit=7", ""),
            ("/doors?l%69mit=%37&colour=dark+red&a%26b=c%3Dd%25", "colour=dark%20red&a%26b=c%3Dd%25&"),
            ("/doors?limit=7&after=x%40y&%ec%83%89=%eb%b9%a8%ea%b0%95", "after=x@y&%EC%83%89=%EB%B9%A8%EA%B0%95&"),
            ("/doors?&&limit=7&=&flag", "=&flag=&"),
        ] {
            let mut address = next("ann", asked, b"key");
            assert!(address.starts_with(&format!("/doors?{other}limit=7&cursor=")), "{address}");
            for _ in 0..3 {
                let read = list("ann", &address).expect("its own link");
                assert_eq!((read.cursor.as_deref(), read.limit), (Some(&b"key"[..]), 7), "{address}");
                let spelled = address.replace("cursor=", "c%75rsor=").replace("limit=", "%6Cimit=");
                assert_eq!(list("ann", &spelled).expect("the same").cursor.as_deref(), Some(&b"key"[..]), "{spelled}");
                address = next("ann", &address, b"key");
            }
        }
        assert_eq!(list("ann", "/doors?limit=1&%6cimit=1").unwrap_err().status(), 400);
    }

    #[test]
    fn garbage_is_refused() {
        let long = format!("cursor={}", "a".repeat(2_000));
        for bad in ["cursor=", "cursor=x", "cursor=abc", "cursor=%00", "cursor=6261636b", &long] {
            assert_eq!(list("ann", &format!("/doors?{bad}")).unwrap_err().status(), 400, "{bad}");
        }
        for bad in ["limit=0", "limit=201", "limit=-1", "limit=x", "limit=", "limit=1&limit=1", "limit=%C3%28"] {
            assert_eq!(list("ann", &format!("/doors?{bad}")).unwrap_err().status(), 400, "{bad}");
        }
    }
}
