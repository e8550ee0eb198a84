//! Streams of events end with what they were opened by, and nothing else does.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::future::join;
use futures::{Stream, StreamExt as _, stream};
use gateway::Sessions;
use tokio::net::TcpListener;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::browser::{Browser, Town};
use crate::street::Street;

/// More events than a fast machine sends until somebody has logged out.
const BUSY: usize = 2_000_000;
/// A lock, a logout and a role hold within that.
const SOON: Duration = Duration::from_secs(5);
const LOGGED_OUT: &str = "event: session-ended\ndata: {\"reason\":\"session\"}\n\n";

/// One piece again and again, for ever.
fn again(every: Duration, piece: &'static str) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let begin = interval(every);
    stream::unfold(begin, async move |mut ticks| {
        ticks.tick().await;
        Some((Ok(Bytes::from_static(piece.as_bytes())), ticks))
    })
}

fn of_kind(kind: &'static str, pieces: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(pieces)).into_response()
}

const EVENTS: &str = "text/event-stream";

async fn open(town: &Town) -> Street {
    open_set(town, |sessions| sessions).await
}

async fn open_set(town: &Town, set: impl FnOnce(Sessions) -> Sessions) -> Street {
    let mut street = town.street(set).await;
    let every = Duration::from_millis(50);
    let quiet = async move || of_kind(EVENTS, stream::iter([Ok(Bytes::from(": hello\n\n"))]).chain(stream::pending()));
    let busy = async || of_kind(EVENTS, again(Duration::from_nanos(1), "data: 1\n\n").take(BUSY));
    let half = async || {
        let begun = stream::iter(["data: 1\n\n", "data: 2\n"].map(|piece| Ok(Bytes::from(piece))));
        of_kind(EVENTS, begun.chain(stream::pending()))
    };
    let late = async || {
        let begun = stream::iter(["data: 1\n\n", "data: 2\n"].map(|piece| Ok(Bytes::from(piece))));
        of_kind(
            EVENTS,
            begun.chain(stream::once(async {
                sleep(Duration::from_millis(1_500)).await;
                Ok("\n".into())
            })),
        )
    };
    let squeezed = async || {
        let mut answer = of_kind(EVENTS, stream::iter([Ok(Bytes::from("x"))]).chain(stream::pending()));
        answer.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
        answer
    };
    let routes = Router::new()
        .route("/quiet", get(quiet))
        .route("/open/quiet", get(quiet))
        .route("/keep/quiet", get(quiet))
        .route("/busy", get(busy))
        .route("/half", get(half))
        .route("/late", get(late))
        .route("/squeezed", get(squeezed))
        .route("/file", get(async move || of_kind("text/plain", again(every, "line\n").take(60))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    street.beside(async move { axum::serve(listener, routes).await.unwrap() });
    street.route_to(vec![upstream]);
    street
}

fn tab(browser: &Browser) -> Browser {
    Browser { cookies: browser.cookies.clone() }
}

/// Everything that is said at a path until it ends, and how long that took from when something happened.
async fn until_it_ends(street: &Street, browser: &Browser, path: &str, happens: impl Future) -> (String, Duration) {
    let mut listener = tab(browser);
    let listened = async {
        let answer = listener.get(street, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        (answer.body, Instant::now())
    };
    let happened = async {
        sleep(Duration::from_millis(300)).await;
        happens.await;
        Instant::now()
    };
    let ((said, ended), happened) = timeout(3 * SOON, join(listened, happened)).await.expect("it ends");
    (said, ended.saturating_duration_since(happened))
}

async fn goes_on(street: &Street, browser: &Browser, path: &str, long: Duration) {
    let mut listener = tab(browser);
    let heard = timeout(long, listener.get(street, path)).await;
    assert!(heard.is_err(), "{path} was ended");
}

#[tokio::test]
async fn a_logout_ends_the_streams_of_its_session_and_nothing_else() {
    let town = Town::new().await;
    let (street, other_gateway) = (open(&town).await, open(&town).await);
    let (mut browser, mut other) = (Browser::new(), Browser::new());
    browser.log_in(&street, &town, "/").await;
    other.log_in(&street, &town, "/").await;
    let mut leaves = tab(&browser);
    let logout = async { assert_eq!(leaves.post(&street, "/logout").await.status, StatusCode::SEE_OTHER) };
    let (mut download, nobody) = (tab(&browser), Browser::new());
    let (here, there, busy, (), (), file) = tokio::join!(
        until_it_ends(&street, &browser, "/quiet", logout),
        until_it_ends(&other_gateway, &browser, "/quiet", async {}),
        until_it_ends(&street, &browser, "/busy", async {}),
        goes_on(&street, &other, "/quiet", SOON),
        goes_on(&street, &nobody, "/open/quiet", SOON),
        download.get(&street, "/file"),
    );
    assert_eq!(here.0, format!(": hello\n\n{LOGGED_OUT}"));
    assert!(here.1 < Duration::from_millis(500), "at once where he logs out: {:?}", here.1);
    assert_eq!(there.0, format!(": hello\n\n{LOGGED_OUT}"));
    assert!(there.1 < SOON, "{:?}", there.1);
    assert!(busy.0.ends_with(LOGGED_OUT) && busy.0.len() < BUSY * 9, "also one that is never quiet");
    assert_eq!(file.body.len(), 60 * 5, "an answer under way is sent to its end");
}

#[tokio::test]
async fn a_lock_and_another_role_end_streams_and_a_silent_issuer_does_not() {
    let town = Town::new().await;
    let street = open(&town).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    town.provider.mood().is_down = true;
    goes_on(&street, &browser, "/quiet", Duration::from_secs(4)).await;
    town.provider.mood().is_down = false;
    let promote = async { town.provider.mood().roles = vec!["guest", "keeper"] };
    let (said, took) = until_it_ends(&street, &browser, "/quiet", promote).await;
    assert!(said.ends_with("event: session-ended\ndata: {\"reason\":\"roles\"}\n\n") && took < SOON, "{said} {took:?}");
    let demote = async { town.provider.mood().roles = vec![] };
    let (said, took) = until_it_ends(&street, &browser, "/keep/quiet", demote).await;
    assert!(said.contains("\"roles\"") && took < SOON, "{said} {took:?}");
    assert_eq!(browser.get(&street, "/keep/quiet").await.status, StatusCode::FORBIDDEN);
    let (said, took) =
        until_it_ends(&street, &browser, "/quiet", async { town.provider.mood().is_locked = true }).await;
    assert!(said.ends_with(LOGGED_OUT) && took < SOON, "{said} {took:?}");
    assert_eq!(browser.get(&street, "/quiet").await.status, StatusCode::UNAUTHORIZED, "and it is not opened again");
}

#[tokio::test]
async fn to_listen_is_not_to_use_and_a_session_ends_in_its_time() {
    let town = Town::new().await;
    let listened = open_set(&town, |sessions| Sessions { idle_s: 2, ..sessions }).await;
    let mut browser = Browser::new();
    browser.log_in(&listened, &town, "/").await;
    let (said, took) = until_it_ends(&listened, &browser, "/quiet", async {}).await;
    assert!(said.ends_with(LOGGED_OUT) && took < SOON, "{said} {took:?}");
}

#[tokio::test]
async fn an_event_is_sent_whole_or_nothing_is_said_behind_it() {
    let town = Town::new().await;
    let street = open(&town).await;
    for (path, expected) in [
        ("/half", "data: 1\n\ndata: 2\n".to_owned()),
        ("/late", format!("data: 1\n\ndata: 2\n\n{LOGGED_OUT}")),
        ("/squeezed", "x".to_owned()),
    ] {
        let mut browser = Browser::new();
        browser.log_in(&street, &town, "/").await;
        let mut leaves = tab(&browser);
        let logout = async {
            sleep(Duration::from_millis(600)).await;
            leaves.post(&street, "/logout").await;
        };
        let (said, took) = until_it_ends(&street, &browser, path, logout).await;
        assert_eq!(said, expected, "{path}");
        assert!(took < SOON, "{path} {took:?}");
    }
}

#[tokio::test]
async fn a_token_is_listened_with_as_long_as_it_counts() {
    let town = Town::new().await;
    let street = open(&town).await;
    town.provider.mood().life_s = 3;
    let bearer = format!("Bearer {}", town.provider.access());
    let began = Instant::now();
    let answer =
        timeout(3 * SOON, street.ask_at("GET", "/quiet", &[("authorization", &bearer)])).await.expect("it ends");
    assert_eq!(answer.body, ": hello\n\nevent: session-ended\ndata: {\"reason\":\"token\"}\n\n");
    assert!((Duration::from_secs(1)..SOON).contains(&began.elapsed()), "{:?}", began.elapsed());
}
