//! What is said of every request.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::time::sleep;
use tower::ServiceExt as _;

use crate::browser::{Browser, Town};
use crate::shaping::serving;
use crate::street::Street;

thread_local! {
    /// What was logged on this thread, which is that of one test.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes there. One subscriber for all threads: of several that come and go, tracing forgets now and then that one listens.
struct Logged;

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the access log has of this test.
struct Lines;

impl Lines {
    fn all(&self) -> Vec<Value> {
        let text = LOGGED.with_borrow(|logged| String::from_utf8(logged.clone()).unwrap());
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["target"] == "access").map(|line| line["fields"].clone()).collect()
    }

    fn last(&self) -> Value {
        self.all().pop().expect("a line")
    }
}

fn listen() -> Lines {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| tracing_subscriber::fmt().json().with_writer(|| Logged).init());
    LOGGED.with_borrow_mut(Vec::clear);
    Lines
}

async fn open(street: &mut Street) {
    let slowly = async || {
        let pieces = ["one ", "two ", "three"].map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
        Body::from_stream(stream::iter(pieces).then(async |piece| {
            sleep(Duration::from_millis(60)).await;
            piece
        }))
    };
    let routes = Router::new()
        .route("/slowly", get(slowly))
        .route("/x", post(async |body: Bytes| body).get(async || "well"))
        .route("/bell/x", get(async || "ding"))
        .route("/open/bad", get(async || StatusCode::SERVICE_UNAVAILABLE));
    serving(street, routes).await;
}

#[tokio::test]
async fn a_line_says_who_asked_what_by_which_route_and_whom_how_long_and_how_much() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| sessions).await;
    open(&mut street).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    let lines = listen();
    browser.get(&street, "/slowly?token=secret").await;
    let line = lines.last();
    assert_eq!((&line["method"], &line["path"], &line["status"]), (&"GET".into(), &"/slowly".into(), &200.into()));
    assert_eq!(
        (&line["consumer"], &line["route"], &line["upstream"]),
        (&"usr_ann".into(), &"/*".into(), &"door".into())
    );
    assert!(line["instance"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!((&line["sent"], &line["received"], &line["is_whole"]), (&13.into(), &0.into(), &true.into()));
    let (ms, first) = (line["ms"].as_f64().unwrap(), line["first_ms"].as_f64().unwrap());
    assert!(ms >= 150.0 && first + 100.0 < ms, "to the last byte, and to the first: {line}");
    assert!(!format!("{:?}", lines.all()).contains("secret"), "no query");
    let cookie = format!("__Host-session={}", browser.cookies["__Host-session"]);
    let request = Request::post("/x").header("cookie", cookie).header("sec-fetch-site", "same-origin");
    let answer = street.gateway.router().oneshot(request.body(Body::from("hello")).unwrap()).await.unwrap();
    drop(axum::body::to_bytes(answer.into_body(), 100).await);
    let line = lines.last();
    assert_eq!((&line["received"], &line["sent"]), (&5.into(), &5.into()));
}

#[tokio::test]
async fn refusals_and_visitors_are_logged_and_each_once() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| sessions).await;
    open(&mut street).await;
    let lines = listen();
    // Whoever is refused, and by whom, and whoever has no name.
    street.ask_at("GET", "/x", &[]).await;
    let line = lines.last();
    assert_eq!((&line["status"], &line["consumer"], &line["instance"]), (&401.into(), &"-".into(), &"-".into()));
    assert!(line["sent"].as_u64().unwrap() > 20, "what the gateway itself says is counted, too");
    street.ask_at("GET", "/bell/x", &[]).await;
    assert!(lines.last()["consumer"].as_str().unwrap().starts_with("vis_"));
    street.ask_at("GET", "/open/bad", &[]).await;
    assert_eq!(lines.last()["status"], 503);
    let head = street.ask_at("HEAD", "/open/bad", &[]).await;
    assert_eq!((head.body.as_str(), &lines.last()["method"]), ("", &"HEAD".into()));
    assert_eq!(lines.all().len(), 4, "each is logged once");
}

#[tokio::test]
async fn whoever_hangs_up_is_logged_with_what_he_had() {
    let mut street = Street::without_breakers();
    open(&mut street).await;
    let lines = listen();
    let request = Request::get("/slowly").body(Body::empty()).unwrap();
    let answer = street.gateway.router().oneshot(request).await.unwrap();
    let mut body = answer.into_body().into_data_stream();
    assert_eq!(body.next().await.unwrap().unwrap(), "one ");
    assert!(lines.all().is_empty(), "it is not over");
    drop(body);
    let line = lines.last();
    assert_eq!((&line["sent"], &line["is_whole"], &line["status"]), (&4.into(), &false.into(), &200.into()));
}
