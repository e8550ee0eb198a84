//! The last good answers of services, for when one is left alone. Each is of one person, with what he was, and of one form; it is kept in memory,
//! for so long, and all of them take no more than so many bytes. What a service does not want kept is not.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, COOKIE,
    RANGE, SET_COOKIE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, request, response};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use lru::LruCache;
use tokio::time::Instant;

use crate::fallback::FALLBACK;
use crate::filter::{Exchange, Who};

/// What an answer may depend on beside who asks, and still be kept.
const NEGOTIATED: [HeaderName; 3] = [ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE];
/// One that is longer is not kept: it would drive out all the others.
const LONGEST: usize = 256 << 10;
/// What an answer takes beside its bytes: a key, a map of headers, their places.
const BESIDE: usize = 1_024;

/// Of whom an answer is, to what, and in which form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    who: String,
    service: String,
    target: String,
    form: [Option<HeaderValue>; 3],
}

struct Kept {
    headers: HeaderMap,
    body: Bytes,
    since: Instant,
    bytes: usize,
}

pub(crate) struct LastGood {
    most: usize,
    kept: Mutex<All>,
}

struct All {
    answers: LruCache<Key, Kept>,
    bytes: usize,
}

/// An answer on its way that is kept when it is whole.
struct Keeping {
    body: Body,
    so_far: BytesMut,
    /// `None` when it is kept, or is none to keep.
    to: Option<(Arc<LastGood>, Key, HeaderMap)>,
}

impl LastGood {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, kept: Mutex::new(All { answers: LruCache::unbounded(), bytes: 0 }) })
    }

    /// The answer as it goes on, kept on its way if it may be.
    pub(crate) fn keep(self: &Arc<Self>, key: Key, answer: Response) -> Response {
        let (head, body) = answer.into_parts();
        if !may_be_kept(&head) {
            // What was good once is not what the service says now.
            if !head.status.is_server_error() && head.status != StatusCode::NOT_MODIFIED {
                self.lock().forget(&key);
            }
            return Response::from_parts(head, body);
        }
        let to = Some((Arc::clone(self), key, head.headers.clone()));
        let body = Keeping { body, so_far: BytesMut::new(), to };
        Response::from_parts(head, Body::new(body))
    }

    /// What was kept, if that is not too long ago; how long ago is said in `Age`.
    pub(crate) fn answer(&self, key: &Key, oldest: Duration) -> Option<Response> {
        let mut all = self.lock();
        let Kept { headers, body, since, .. } = all.answers.get(key)?;
        let passed = since.elapsed();
        let mut headers = headers.clone();
        let body = body.clone();
        if passed > oldest {
            all.forget(key);
            return None;
        }
        let before: u64 = headers.get(AGE).and_then(|age| age.to_str().ok()?.parse().ok()).unwrap_or(0);
        headers.insert(AGE, HeaderValue::from(before.saturating_add(passed.as_secs())));
        headers.insert(FALLBACK, HeaderValue::from_static("last-good"));
        let mut answer = Response::new(Body::from(body));
        *answer.headers_mut() = headers;
        Some(answer)
    }

    fn put(&self, key: Key, headers: HeaderMap, body: Bytes) {
        let lines: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let bytes = body.len() + lines + key.bytes() + BESIDE;
        if bytes > self.most {
            return;
        }
        let mut all = self.lock();
        all.forget(&key);
        while all.bytes + bytes > self.most {
            let Some((_, oldest)) = all.answers.pop_lru() else { break };
            all.bytes -= oldest.bytes;
        }
        all.bytes += bytes;
        all.answers.put(key, Kept { headers, body, since: Instant::now(), bytes });
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn forget(&mut self, key: &Key) {
        if let Some(kept) = self.answers.pop(key) {
            self.bytes -= kept.bytes;
        }
    }
}

impl Key {
    fn bytes(&self) -> usize {
        let form: usize = self.form.iter().flatten().map(HeaderValue::len).sum();
        self.who.len() + self.service.len() + self.target.len() + form
    }

    /// `None` where nothing is kept: what is no plain GET, what asks for a part or not to be kept, what operators and processes
    /// ask, and what somebody asks whom only the service can tell from others.
    pub(crate) fn of(head: &request::Parts, exchange: &Exchange) -> Option<Self> {
        let is_plain = head.method == Method::GET && !head.headers.contains_key(RANGE) && exchange.upgrade.is_none();
        if !is_plain || says(&head.headers, "no-store") {
            return None;
        }
        let who = match &exchange.who {
            Who::Person(who) => {
                let visitor = who.visitor.as_deref().unwrap_or_default();
                // Whoever is something else now is shown nothing of what he was.
                format!("person {} {} {visitor}", who.name, who.roles.join(","))
            }
            Who::Visitor(who) => format!("visitor {}", who.visitor.as_deref().unwrap_or(&who.name)),
            Who::Nobody if [AUTHORIZATION, COOKIE].iter().any(|name| head.headers.contains_key(name)) => return None,
            Who::Nobody => "nobody".to_owned(),
            Who::Operator | Who::Process(_) => return None,
        };
        let target = head.uri.path_and_query()?.as_str().to_owned();
        let service = exchange.service.as_deref().unwrap_or_default().to_owned();
        Some(Self { who, service, target, form: NEGOTIATED.map(|name| joined(&head.headers, &name)) })
    }
}

/// All lines of a name as one.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    if lines.is_empty() { None } else { HeaderValue::from_bytes(&lines.join(&b", "[..])).ok() }
}

fn says(headers: &HeaderMap, word: &str) -> bool {
    let lines = headers.get_all(CACHE_CONTROL).iter();
    lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).any(|part| {
        let name = part.split(|byte| *byte == b'=').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(word.as_bytes())
    })
}

fn may_be_kept(head: &response::Parts) -> bool {
    let headers = &head.headers;
    let known: HashSet<&[u8]> = NEGOTIATED.iter().map(|name| name.as_str().as_bytes()).collect();
    let varies = headers.get_all(VARY).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let depends_on_known =
        varies.map(|name| name.trim_ascii().to_ascii_lowercase()).all(|name| known.contains(name.as_slice()));
    let is_stream = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let is_for_one_browser = headers.contains_key(SET_COOKIE) || headers.contains_key(FALLBACK);
    head.status == StatusCode::OK
        && !says(headers, "no-store")
        && !headers.contains_key(CONTENT_RANGE)
        && depends_on_known
        && !is_stream
        && !is_for_one_browser
}

impl Keeping {
    fn note(&mut self, frame: &Poll<Option<Result<Frame<Bytes>, axum::Error>>>) {
        let is_over = match frame {
            Poll::Ready(Some(Ok(frame))) => {
                match frame.data_ref() {
                    Some(data) if self.so_far.len() + data.len() <= LONGEST => self.so_far.extend_from_slice(data),
                    // Too long, or with trailers, which are not kept.
                    _ => self.to = None,
                }
                self.body.is_end_stream()
            }
            Poll::Ready(Some(Err(_))) => {
                self.to = None;
                false
            }
            Poll::Ready(None) => true,
            Poll::Pending => false,
        };
        if let Some((last_good, key, headers)) = self.to.take_if(|_| is_over) {
            last_good.put(key, headers, std::mem::take(&mut self.so_far).freeze());
        }
    }
}

impl HttpBody for Keeping {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if self.to.is_some() {
            self.note(&frame);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(who: &str, target: &str) -> Key {
        Key { who: who.to_owned(), service: "notes".to_owned(), target: target.to_owned(), form: [None, None, None] }
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn keepable(status: u16, lines: &[(&'static str, &'static str)]) -> bool {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        *answer.headers_mut() = headers(lines);
        may_be_kept(&answer.into_parts().0)
    }

    #[test]
    fn what_a_service_does_not_want_kept_or_is_of_one_browser_or_depends_on_more_is_not() {
        for lines in [
            &[][..],
            &[("cache-control", "private, max-age=0")],
            &[("cache-control", "no-cache=\"no-store-x\"")],
            &[("vary", "accept"), ("vary", "Accept-Language, accept-encoding")],
        ] {
            assert!(keepable(200, lines), "{lines:?}");
        }
        for lines in [
            &[("cache-control", "no-store")][..],
            &[("cache-control", "private, No-Store")],
            &[("cache-control", "private"), ("cache-control", "no-store")],
            &[("vary", "*")],
            &[("vary", "cookie")],
            &[("vary", "accept, origin")],
            &[("set-cookie", "a=b")],
            &[("content-type", "text/event-stream")],
            &[("content-range", "bytes 0-1/2")],
            &[("x-bongsu-fallback", "fixed")],
        ] {
            assert!(!keepable(200, lines), "{lines:?}");
        }
        for status in [201, 204, 206, 301, 304, 404, 500] {
            assert!(!keepable(status, &[]), "{status}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_shown_to_whom_it_was_said_for_so_long_and_says_how_old_it_is() {
        let kept = LastGood::new(1 << 20);
        kept.put(key("ann", "/x"), headers(&[("age", "5"), ("etag", "\"7\"")]), Bytes::from("hers"));
        tokio::time::advance(Duration::from_secs(10)).await;
        let oldest = Duration::from_secs(60);
        assert!(kept.answer(&key("ben", "/x"), oldest).is_none());
        let answer = kept.answer(&key("ann", "/x"), oldest).expect("it is kept");
        let said = ["age", "etag", "x-bongsu-fallback"].map(|name| answer.headers()[name].to_str().expect("text"));
        assert_eq!(said, ["15", "\"7\"", "last-good"]);
        tokio::time::advance(Duration::from_secs(51)).await;
        assert!(kept.answer(&key("ann", "/x"), oldest).is_none());
        assert_eq!(kept.lock().bytes, 0, "nothing of it is left");
    }

    #[test]
    fn what_the_service_says_no_to_now_is_not_shown_although_it_was_good() {
        for (status, is_shown) in [(404, false), (403, false), (410, false), (503, true), (304, true)] {
            let kept = LastGood::new(1 << 20);
            kept.put(key("ann", "/x"), HeaderMap::new(), Bytes::from("hers"));
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
            let _sent = kept.keep(key("ann", "/x"), answer);
            assert_eq!(kept.answer(&key("ann", "/x"), Duration::MAX).is_some(), is_shown, "{status}");
        }
    }

    #[test]
    fn another_service_and_another_form_are_other_answers_and_both_count() {
        let kept = LastGood::new(1 << 20);
        let long = HeaderValue::from_bytes(&vec![b'a'; 10_000]).expect("a line");
        let in_a_form = Key { form: [Some(long), None, None], ..key("ann", "/x") };
        kept.put(in_a_form.clone(), HeaderMap::new(), Bytes::from("hers"));
        assert!(kept.lock().bytes > 10_000, "a form takes bytes, too");
        assert!(kept.answer(&in_a_form, Duration::MAX).is_some());
        assert!(kept.answer(&Key { service: "rooms".to_owned(), ..in_a_form }, Duration::MAX).is_none());
    }

    #[test]
    fn however_many_are_kept_they_take_so_many_bytes_and_the_oldest_go() {
        let kept = LastGood::new(100_000);
        for number in 0..1_000 {
            kept.put(key("ann", &format!("/{number}")), HeaderMap::new(), Bytes::from(vec![7; 5_000]));
        }
        let all = kept.lock();
        let (bytes, count) = (all.bytes, all.answers.len());
        drop(all);
        assert!(bytes <= 100_000 && (14..=20).contains(&count), "{bytes} in {count}");
        assert!(kept.answer(&key("ann", "/999"), Duration::MAX).is_some());
        assert!(kept.answer(&key("ann", "/0"), Duration::MAX).is_none());
        for _ in 0..100 {
            kept.put(key("ann", "/999"), HeaderMap::new(), Bytes::from(vec![7; 5_000]));
        }
        assert!(kept.lock().answers.len() >= 14, "the same in its own place");
        kept.put(key("ann", "/huge"), HeaderMap::new(), Bytes::from(vec![7; 200_000]));
        assert!(kept.answer(&key("ann", "/huge"), Duration::MAX).is_none());
        assert!(kept.answer(&key("ann", "/999"), Duration::MAX).is_some(), "one that is too long drives out none");
    }
}
