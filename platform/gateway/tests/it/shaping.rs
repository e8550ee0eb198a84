//! What is changed on the way: paths, header lines, and what pages of other addresses may.

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use gateway::Settings;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::browser::{Browser, Town};
use crate::street::{self, Street};

/// Says what it was asked, by which path and with which lines.
async fn says(uri: Uri, headers: HeaderMap) -> Response {
    let lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?"))).collect();
    let mut answer = (StatusCode::OK, format!("{uri}\n{}\n", lines.join("\n"))).into_response();
    for (name, value) in [("server", "old"), ("access-control-allow-origin", "*"), ("vary", "accept")] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

pub(crate) async fn serving(street: &mut Street, routes: Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    street.beside(async move { axum::serve(listener, routes).await.unwrap() });
    street.route_to(vec![upstream]);
}

async fn street(settings: Value) -> Street {
    let mut street = Street::set(serde_json::from_value::<Settings>(settings).unwrap());
    serving(&mut street, Router::new().fallback(says)).await;
    street
}

async fn path_of(street: &Street, path: &str) -> String {
    street.ask_at("GET", path, &[]).await.body.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_service_is_asked_by_the_path_it_knows() {
    let street = street(json!({ "rewrite": [
        { "path": "/shop/*", "to": "/*" },
        { "path": "/shop/old", "to": "/rooms" },
    ] }))
    .await;
    for (asked, known) in [
        ("/shop/a/b?x=1&y=%20", "/a/b?x=1&y=%20"),
        ("/shop/", "/"),
        ("/shop/old", "/rooms"),
        ("/shop/old?a", "/rooms?a"),
        ("/shop/%2e%2e/x", "/%2e%2e/x"),
        ("/shop//x", "//x"),
        ("/shop/..//evil.example", "/..//evil.example"),
        ("/other/shop/x", "/other/shop/x"),
        ("/shop", "/shop"),
    ] {
        assert_eq!(path_of(&street, asked).await, known, "{asked}");
    }
}

#[tokio::test]
async fn who_may_is_said_of_the_path_that_the_service_sees() {
    let town = Town::new().await;
    let rewrite = json!([
        { "path": "/open/*", "to": "/keep/*" },
        { "path": "/all/*", "to": "/*" },
        { "path": "/own/*", "to": "/bongsu/*" },
    ]);
    let mut street =
        town.street_with(|settings| Settings { rewrite: serde_json::from_value(rewrite).unwrap(), ..settings }).await;
    serving(&mut street, Router::new().fallback(says)).await;
    let status = async |path: &str| street.ask_at("GET", path, &[]).await.status;
    assert_eq!(status("/open/x").await, StatusCode::UNAUTHORIZED, "its old name is open, what is behind it is not");
    assert_eq!(status("/all/open/x").await, StatusCode::OK);
    assert_eq!(status("/all/keep/x").await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        status("/own/breakers").await,
        StatusCode::UNAUTHORIZED,
        "and it leads to a service, not to the gateway"
    );
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    assert_eq!(browser.get(&street, "/open/x").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn lines_are_added_and_taken_out_both_ways() {
    let street = street(json!({ "headers": [
        { "path": "/*",
          "request": { "remove": ["x-debug"], "add": { "x-edge": "seoul" } },
          "answer": { "remove": ["server"], "add": { "strict-transport-security": "max-age=1" } } },
        { "path": "/doors/*", "request": { "remove": ["x-edge"], "add": { "x-edge": "doors" } } },
    ] }))
    .await;
    let answer = street.ask_at("GET", "/x", &[("x-debug", "1"), ("X-Edge", "forged")]).await;
    assert!(
        answer.body.contains("x-edge: seoul") && ["x-debug", "forged"].iter().all(|gone| !answer.body.contains(gone)),
        "{}",
        answer.body
    );
    assert_eq!(answer.headers["strict-transport-security"], "max-age=1");
    assert!(!answer.headers.contains_key("server"));
    let answer = street.ask_at("GET", "/doors/7", &[("x-edge", "forged")]).await;
    assert!(answer.body.contains("x-edge: doors") && !answer.body.contains("forged"), "{}", answer.body);
    // What the gateway itself says has them, too.
    street.tables.send_replace(std::sync::Arc::default());
    let answer = street.ask_at("GET", "/x", &[]).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["strict-transport-security"]),
        (503, &HeaderValue::from_static("max-age=1"))
    );
}

fn allowed(answer: &street::Response) -> Option<&str> {
    answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap())
}

async fn with_pages_elsewhere() -> Street {
    street(json!({ "cors": [
        { "path": "/doors/*", "origins": ["https://app.example"], "methods": ["GET", "POST"], "exposed": ["etag"] },
        { "path": "/doors/open/*", "origins": ["*"], "max_age_s": 5 },
    ] }))
    .await
}

#[tokio::test]
async fn a_page_of_an_address_that_is_named_may_ask_and_no_other() {
    let street = with_pages_elsewhere().await;
    let before = |origin| [("origin", origin), ("access-control-request-method", "POST")];
    let answer = street.ask_at("OPTIONS", "/doors/7", &before("https://app.example")).await;
    assert_eq!((answer.status, allowed(&answer)), (StatusCode::NO_CONTENT, Some("https://app.example")));
    assert_eq!(answer.headers["access-control-allow-methods"], "GET, POST");
    assert_eq!(answer.headers["access-control-max-age"], "600");
    assert!(answer.headers["access-control-allow-headers"].to_str().unwrap().contains("idempotency-key"));
    assert_eq!(answer.headers["vary"], "origin");
    for origin in ["https://evil.example", "https://app.example.evil.example", "null", "http://app.example", "*", ""] {
        let answer = street.ask_at("OPTIONS", "/doors/7", &before(origin)).await;
        assert_eq!((answer.status, allowed(&answer)), (StatusCode::FORBIDDEN, None), "{origin}");
        let answer = street.ask_at("GET", "/doors/7", &[("origin", origin)]).await;
        assert_eq!((answer.status, allowed(&answer)), (StatusCode::OK, None), "no page of {origin:?} may read it");
    }
    let twice = [("origin", "https://app.example"), ("origin", "https://app.example")];
    assert_eq!(allowed(&street.ask_at("GET", "/doors/7", &twice).await), None);
}

#[tokio::test]
async fn what_such_a_page_may_read_is_said_on_every_answer_also_on_a_refusal() {
    let street = with_pages_elsewhere().await;
    let answer = street.ask_at("GET", "/doors/7", &[("origin", "https://app.example")]).await;
    assert_eq!(
        (allowed(&answer), &answer.headers["access-control-expose-headers"]),
        (Some("https://app.example"), &HeaderValue::from_static("etag"))
    );
    let vary: Vec<&HeaderValue> = answer.headers.get_all(header::VARY).iter().collect();
    assert_eq!(vary, ["accept", "origin"]);
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    let answer = street.ask_at("GET", "/doors/open/7", &[("origin", "https://anybody.example")]).await;
    assert_eq!((allowed(&answer), &answer.headers["vary"]), (Some("*"), &HeaderValue::from_static("accept")));
    let asked = street.ask_at("OPTIONS", "/doors/7", &[("origin", "https://app.example")]).await;
    assert!(asked.body.starts_with("/doors/7"), "an OPTIONS that is no question beforehand is the service's");
    assert_eq!(
        allowed(&street.ask_at("GET", "/elsewhere", &[]).await),
        Some("*"),
        "what is not set is the service's to say"
    );
    // A refusal is read by the page, too.
    street.tables.send_replace(std::sync::Arc::default());
    let answer = street.ask_at("GET", "/doors/7", &[("origin", "https://app.example")]).await;
    assert_eq!((answer.status.as_u16(), allowed(&answer)), (503, Some("https://app.example")));
}
