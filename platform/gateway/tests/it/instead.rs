//! What is answered while a service is left alone: to each what was last said to him, what another path says, or what was written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use gateway::breaker::Rules;
use gateway::fallback::Fallback;
use gateway::{Access, Route, Settings, Table};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::browser::Town;
use crate::street::{self, Street};

/// Says who asks, and what he may.
fn canary(uri: &Uri, headers: &HeaderMap) -> Response {
    let principal = headers.get("x-bongsu-principal").map_or("..", |principal| principal.to_str().unwrap());
    let claims = BASE64.decode(principal.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    let form = headers.get("accept-language").map_or("-", |form| form.to_str().unwrap());
    let length = headers.get("content-length").map_or("", |length| length.to_str().unwrap());
    format!("{uri} of {} as {} in {form}{length}", claims["sub"], claims["roles"]).into_response()
}

struct Hall {
    town: Town,
    street: Street,
    is_bad: Arc<AtomicBool>,
}

impl Hall {
    /// Two services, `door` everywhere and `bell` below `/bell2`.
    async fn new(fallback: Value) -> Self {
        let town = Town::new().await;
        let rules = Rules { consecutive: 1, open_ms: 60_000, open_at_most_ms: 60_000, ..Rules::default() };
        let fallback: Vec<Fallback> = serde_json::from_value(fallback).unwrap();
        let mut street = town
            .street_with(|settings| Settings { breaker: Some(rules), fallback, last_good_bytes: 100_000, ..settings })
            .await;
        let is_bad = Arc::new(AtomicBool::new(false));
        let (door, bell) = (serve(&mut street, &is_bad).await, serve(&mut street, &Arc::default()).await);
        let route = |path: &str, service: &str| Route { path: path.into(), service: service.into() };
        let rule = |who: &str, path: &str| Access {
            service: "bell".into(),
            method: "*".into(),
            path: path.into(),
            who: who.into(),
        };
        street.table.access.extend([rule("public", "/bell2/open"), rule("keeper", "/bell2/keep")]);
        let table = Table {
            revision: 1,
            routes: vec![route("/*", "door"), route("/bell2/*", "bell")],
            upstreams: [("door".into(), vec![door]), ("bell".into(), vec![bell])].into(),
            ..street.table.clone()
        };
        street.tables.send_replace(Arc::new(table));
        Self { town, street, is_bad }
    }

    /// An access token in somebody's name.
    fn bearer(&self, sub: &'static str, roles: &[&'static str]) -> String {
        (self.town.provider.mood().sub, self.town.provider.mood().roles) = (sub, roles.to_vec());
        format!("Bearer {}", self.town.provider.access())
    }

    async fn ask(&self, path: &str, bearer: &str, more: &[(&str, &str)]) -> street::Response {
        let mut lines = vec![("authorization", bearer)];
        lines.extend(more);
        self.street.ask_at("GET", path, &lines).await
    }

    /// From here on its breaker is open.
    async fn breaks(&self, bearer: &str) {
        self.is_bad.store(true, Ordering::SeqCst);
        assert_eq!(self.ask("/breaks", bearer, &[]).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}

async fn serve(street: &mut Street, is_bad: &Arc<AtomicBool>) -> std::net::SocketAddr {
    let is_bad = Arc::clone(is_bad);
    let answer = async move |request: Request| {
        if is_bad.load(Ordering::SeqCst) {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let mut answer = canary(request.uri(), request.headers());
        if request.uri().path() == "/secret" {
            answer.headers_mut().insert("cache-control", HeaderValue::from_static("private, no-store"));
        }
        answer
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    street.beside(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
    at
}

fn is_fallback(answer: &street::Response) -> Option<&str> {
    answer.headers.get("x-bongsu-fallback").map(|what| what.to_str().unwrap())
}

#[tokio::test]
async fn everybody_is_shown_his_own_last_answer_and_nobody_anothers() {
    let hall = Hall::new(json!([{ "path": "/*", "last_good_s": 60 }])).await;
    let (ann, ben) = (hall.bearer("usr_ann", &["guest"]), hall.bearer("usr_ben", &["guest"]));
    let keeper = hall.bearer("usr_ann", &["guest", "keeper"]);
    let korean = [("accept-language", "ko")];
    let hers = hall.ask("/x?a=1", &ann, &[]).await;
    assert_eq!((is_fallback(&hers), hers.body.as_str()), (None, "/x?a=1 of \"usr_ann\" as [\"guest\"] in -"));
    let his = hall.ask("/x?a=1", &ben, &korean).await.body;
    hall.ask("/keep/x", &keeper, &[]).await;
    hall.ask("/secret", &ann, &[]).await;
    hall.breaks(&ann).await;
    let shown = hall.ask("/x?a=1", &ann, &[]).await;
    assert_eq!((shown.status, is_fallback(&shown), &shown.body), (StatusCode::OK, Some("last-good"), &hers.body));
    assert!(shown.headers["age"].to_str().unwrap().parse::<u64>().is_ok());
    assert_eq!(hall.ask("/x?a=1", &ben, &korean).await.body, his);
    // Another person, another form, another question, another role, what is not to be kept, and what was never asked.
    for (path, bearer, lines) in [
        ("/x?a=1", &ben, &[][..]),
        ("/x?a=1", &ann, &korean[..]),
        ("/x?a=2", &ann, &[]),
        ("/x", &ann, &[]),
        ("/x?a=1", &keeper, &[]),
        ("/secret", &ann, &[]),
        ("/x?a=1", &ann, &[("range", "bytes=0-1")]),
        ("/x?a=1", &ann, &[("cache-control", "no-store")]),
    ] {
        let answer = hall.ask(path, bearer, lines).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path} {lines:?}: {}", answer.body);
        assert!(answer.body.contains("circuit-open") && !answer.body.contains("usr_"), "{}", answer.body);
    }
    assert_eq!(hall.ask("/keep/x", &keeper, &[]).await.status, StatusCode::OK);
    assert_eq!(hall.ask("/keep/x", &ann, &[]).await.status, StatusCode::FORBIDDEN, "who may is asked all the same");
    assert_eq!(hall.street.ask_at("GET", "/x?a=1", &[]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn whoever_has_no_name_is_shown_what_anybody_was_and_what_was_to_be_done_was_not_done() {
    let hall = Hall::new(json!([{ "path": "/*", "last_good_s": 60 }])).await;
    let ann = hall.bearer("usr_ann", &["guest"]);
    hall.ask("/x?a=1", &ann, &[]).await;
    hall.street.ask_at("GET", "/open/x", &[]).await;
    hall.breaks(&ann).await;
    let nobodys = hall.street.ask_at("GET", "/open/x", &[]).await;
    assert_eq!((nobodys.status, is_fallback(&nobodys)), (StatusCode::OK, Some("last-good")));
    let posted = hall.street.ask_at("POST", "/x?a=1", &[("authorization", &ann)]).await;
    assert_eq!(posted.status, StatusCode::SERVICE_UNAVAILABLE, "what was to be done was not done");
    assert_eq!(hall.street.ask_at("HEAD", "/x?a=1", &[("authorization", &ann)]).await.status.as_u16(), 503);
}

#[tokio::test]
async fn an_answer_that_is_too_old_is_none() {
    let hall = Hall::new(json!([{ "path": "/*", "last_good_s": 1, "body": { "old": true } }])).await;
    let ann = hall.bearer("usr_ann", &["guest"]);
    hall.ask("/x", &ann, &[]).await;
    hall.breaks(&ann).await;
    assert_eq!(is_fallback(&hall.ask("/x", &ann, &[]).await), Some("last-good"));
    sleep(Duration::from_millis(1_100)).await;
    let answer = hall.ask("/x", &ann, &[]).await;
    assert_eq!(
        (is_fallback(&answer), answer.body.as_str()),
        (Some("fixed"), "{\"old\":true}"),
        "then what was written"
    );
}

#[tokio::test]
async fn another_path_answers_and_says_itself_who_may() {
    let hall = Hall::new(json!([
        { "path": "/x", "to": "/bell2/list" },
        { "path": "/open/*", "to": "/bell2/open" },
        { "path": "/open/closed", "to": "/bell2/list" },
        { "path": "/y", "to": "/bell2/keep", "body": 7 },
        { "path": "/z", "to": "/x", "body": 7 },
        { "path": "/own", "to": "/bongsu/breakers" },
        { "path": "/lost", "to": "/x2" },
    ]))
    .await;
    let ann = hall.bearer("usr_ann", &["guest"]);
    assert_eq!(is_fallback(&hall.ask("/x", &ann, &[]).await), None, "not while it answers itself");
    hall.breaks(&ann).await;
    let answer = hall.ask("/x?a=1", &ann, &[]).await;
    assert_eq!((answer.status, is_fallback(&answer)), (StatusCode::OK, Some("route")));
    assert_eq!(answer.body, "/bell2/list of \"usr_ann\" as [\"guest\"] in -", "told to that service, in her name");
    let long = hall.ask("/x?a=1", &ann, &[("content-length", "400")]).await;
    assert_eq!(long.body, answer.body, "a body that is not sent on has no length there");
    let open = hall.street.ask_at("GET", "/open/x", &[]).await;
    assert_eq!((open.status, is_fallback(&open)), (StatusCode::OK, Some("route")));
    assert_eq!(hall.street.ask_at("GET", "/open/closed", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(hall.ask("/y", &ann, &[]).await.status, StatusCode::FORBIDDEN, "for keepers");
    let both = hall.ask("/z", &ann, &[]).await;
    assert_eq!((is_fallback(&both), both.body.as_str()), (Some("fixed"), "7"), "one step, and no circle");
    let own = hall.ask("/own", &ann, &[]).await;
    assert!(own.status.is_client_error() || own.status.is_server_error(), "never the gateway's own: {}", own.body);
    assert_eq!(hall.ask("/lost", &ann, &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(hall.street.ask_at("POST", "/x", &[("authorization", &ann)]).await.status.as_u16(), 503);
}
