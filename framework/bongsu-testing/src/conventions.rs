//! The HTTP conventions, checked on every route of an API against the API's own description.
//!
//! Whoever adds a route gets these tests for it. What they cannot know is an address at which there is something:
//! the caller names one per route that reads or changes a single thing. Start reading at [`hold`].

mod ask;
mod bodies;
mod sample;

use axum::Router;
use serde_json::{Value, json};

use self::ask::{Asked, ROLES, Response, Route};

/// More than any service reads.
const TOO_LARGE: usize = 300 << 10;

/// Asks every route of `app` for what it must refuse, and for what it must answer; returns how often it asked.
///
/// `things` maps a path of the description to an address at which there is something, visible to `principal`:
/// `("/doors/{id}", "/doors/front")`. `app` is a service's routes inside the host, with `/openapi.json`.
///
/// # Panics
/// With the route and what it answered, at the first one that does not keep a convention; also when the description
/// is empty, or a thing is missing or named for no route.
pub async fn hold(app: Router, principal: &str, things: &[(&str, &str)]) -> usize {
    let mut asked = Asked::new(app, principal);
    let api = asked.description().await;
    let routes = Route::all(&api);
    assert!(!routes.is_empty(), "the description has no route");
    for (path, _) in things {
        assert!(routes.iter().any(|route| route.path == *path), "{path} is no route");
    }
    for route in &routes {
        let route = &route.at(things);
        refuses_nobody(&mut asked, route).await;
        refuses_other_methods(&mut asked, route).await;
        refuses_heads(&mut asked, route).await;
        refuses_bodies(&mut asked, route, &api).await;
        bodies::have_one_spelling(&mut asked, route, &api).await;
        bodies::are_json(&mut asked, route, &api).await;
        refuses_keys(&mut asked, route).await;
        bounds_lists(&mut asked, route).await;
        refuses_positions(&mut asked, route).await;
        reads_by_tag(&mut asked, route).await;
        changes_by_tag(&mut asked, route, &api).await;
    }
    asked.count
}

async fn refuses_nobody(asked: &mut Asked, route: &Route) {
    if route.is_secured() {
        let request = route.request().header("x-bongsu-principal", "");
        asked.refused(route, "nobody is logged in", request, 401, "unauthenticated").await;
    }
    if route.is_for_roles() {
        let request = route.request().header(ROLES, "another");
        asked.refused(route, "another role", request, 403, "forbidden").await;
    }
}

async fn refuses_other_methods(asked: &mut Asked, route: &Route) {
    for method in ["GET", "PUT", "POST", "DELETE", "PATCH"].iter().filter(|method| !route.siblings.contains(*method)) {
        let answer = asked.send(route.request().method(method)).await;
        answer.is_problem(&format!("{method} {}", route.path), 405, "method-not-allowed");
        assert!(answer.headers.contains_key("allow"), "405 names what is allowed: {answer:?}");
    }
}

async fn refuses_heads(asked: &mut Asked, route: &Route) {
    let hosts = route.request().header("host", "a").also("host", "a");
    asked.refused(route, "two hosts", hosts, 400, "bad-request").await;
    let lines = (0..101).fold(route.request(), |draft, _| draft.also("x-line", "1"));
    asked.refused(route, "101 header lines", lines, 431, "headers-too-large").await;
    let large = route.request().header("x-large", &"a".repeat(20_000));
    asked.refused(route, "a large header", large, 431, "headers-too-large").await;
    let long = route.request().query(&format!("a={}", "a".repeat(8_200)));
    asked.refused(route, "a long target", long, 414, "headers-too-large").await;
    for bad in ["a=%", "%zz=1", "a=%ff", "a=%c3%28"] {
        asked.refused(route, bad, route.request().query(bad), 400, "bad-request").await;
    }
}

async fn refuses_bodies(asked: &mut Asked, route: &Route, api: &Value) {
    let Some(schema) = route.body_schema() else { return };
    let mut unknown = sample::of(api, schema);
    unknown["no/such~field"] = json!(1);
    let request = route.request().json(&unknown);
    let answer = asked.refused(route, "an unknown field", request, 422, "invalid-body").await;
    let pointers: Vec<&Value> =
        answer.body["errors"].as_array().into_iter().flatten().map(|error| &error["pointer"]).collect();
    assert!(pointers.contains(&&json!("/no~1such~0field")), "{route:?}: the unknown field is not named: {answer:?}");
    let large = route.request().json(&json!({ "x": "x".repeat(TOO_LARGE) }));
    asked.refused(route, "too large a body", large, 413, "body-too-large").await;
    let text = route.request().body("text/plain", "hello");
    asked.refused(route, "a body that is text", text, 415, "unsupported-media-type").await;
    let nameless = route.request().body("", "{}");
    asked.refused(route, "a body of no type", nameless, 415, "unsupported-media-type").await;
    let broken = route.request().body("application/json", "{\"a\":");
    asked.refused(route, "broken JSON", broken, 400, "malformed-json").await;
    let deep = "[".repeat(1_000) + &"]".repeat(1_000);
    asked.refused(route, "deep JSON", route.request().body("application/json", &deep), 400, "too-deep").await;
    let list = asked.refused(route, "a list", route.request().json(&json!([1])), 422, "invalid-body").await;
    speaks_json(route, &list);
}

async fn refuses_keys(asked: &mut Asked, route: &Route) {
    if !route.takes("Idempotency-Key") {
        return;
    }
    asked.refused(route, "no key", route.request().without("idempotency-key"), 400, "idempotency-key-missing").await;
    for bad in ["", " ", &"k".repeat(256)] {
        let request = route.request().header("idempotency-key", bad);
        asked.refused(route, "a key that is none", request, 400, "idempotency-key-invalid").await;
    }
}

async fn bounds_lists(asked: &mut Asked, route: &Route) {
    if !route.takes("cursor") {
        return;
    }
    for bad in
        ["limit=0", "limit=201", "limit=-1", "limit=x", "limit=", "limit=1&limit=2", "%6cimit=0", "limit=1&lim%69t=1"]
    {
        asked.refused(route, bad, route.request().query(bad), 400, "bad-request").await;
    }
    for bad in ["cursor=", "cursor=x", "cursor=00", "cursor=ffffffffffffffff00", "cursor=%00"] {
        asked.refused(route, bad, route.request().query(bad), 400, "bad-request").await;
    }
    for good in ["limit=1", "limit=200"] {
        let answer = asked.send(route.request().query(good)).await;
        assert!(answer.status == 200 && answer.body["items"].is_array(), "{route:?} {good}: {answer:?}");
        assert!(answer.body.get("next").is_some(), "{route:?}: a page says whether there is a next one: {answer:?}");
        assert_eq!(answer.body["next"].is_string(), answer.headers.contains_key("link"), "{route:?}: {answer:?}");
    }
    turns_pages(asked, route).await;
}

/// The next page's address is one that this list understands, however the first one was written.
async fn turns_pages(asked: &mut Asked, route: &Route) {
    let answer = asked.send(route.request().query("%6cimit=1&c%6flour=dark+red")).await;
    assert_eq!(answer.status, 200, "{route:?}: a query has one reading: {answer:?}");
    let Some(link) = answer.headers.get("link").and_then(|link| link.to_str().ok()) else { return };
    let next = link.trim_start_matches('<').split('>').next().unwrap_or_default();
    let turned = asked.send(route.request().at(next)).await;
    assert_eq!(turned.status, 200, "{route:?}: its own link {next}: {turned:?}");
}

async fn refuses_positions(asked: &mut Asked, route: &Route) {
    if !route.takes("after") {
        return;
    }
    for bad in ["x", "", "nowhere/door/1@1:1", "a/b@1", "a/b@x:y", "a/b@1:2"] {
        let request = route.request().query(&format!("after={bad}"));
        asked.refused(route, &format!("after={bad}"), request, 400, "bad-request").await;
    }
}

async fn reads_by_tag(asked: &mut Asked, route: &Route) {
    if !route.takes("If-None-Match") {
        return;
    }
    let (answer, tag) = asked.tag_of(route).await;
    for same in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
        let known = asked.send(route.request().header("if-none-match", &same)).await;
        assert_eq!((known.status, &known.body), (304, &Value::Null), "{route:?} knows {same}: {known:?}");
        assert_eq!(known.headers.get("etag"), answer.headers.get("etag"), "{route:?}: {known:?}");
    }
    for other in ["\"other\"", "garbage", &tag.replace('"', "")] {
        let full = asked.send(route.request().header("if-none-match", other)).await;
        assert_eq!((full.status, &full.body), (200, &answer.body), "{route:?} does not know {other}");
    }
}

async fn changes_by_tag(asked: &mut Asked, route: &Route, api: &Value) {
    if !route.takes("If-Match") {
        return;
    }
    let change = || match route.body_schema() {
        Some(schema) => route.request().json(&sample::of(api, schema)),
        None => route.request(),
    };
    asked.refused(route, "unseen", change().without("if-match"), 428, "precondition-required").await;
    for other in ["\"other\"", "\"a\", \"b\"", "W/\"1\""] {
        asked.refused(route, other, change().header("if-match", other), 412, "precondition-failed").await;
    }
    for garbage in ["1", "\"1", "*, \"1\"", ""] {
        asked.refused(route, garbage, change().header("if-match", garbage), 400, "bad-request").await;
    }
}

/// A client reads JSON's own words, not Rust's.
fn speaks_json(route: &Route, answer: &Response) {
    let text = answer.body.to_string();
    for word in ["struct", "u32", "u64", "i64", "usize", "enum", "variant", "tuple"] {
        let foreign = text.split(|it: char| !it.is_alphanumeric()).any(|found| found == word);
        assert!(!foreign, "{route:?} speaks Rust ({word}): {text}");
    }
}
