//! Server-sent events: bounded, resumed, and no hindrance to a clean end.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    client::{Ask, PATIENCE, read_all},
    fixture::Fixture,
};

/// An open stream of events.
struct Watch {
    stream: TcpStream,
    seen: String,
}

impl Watch {
    async fn at(addr: SocketAddr, door: &str) -> Self {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = format!("GET /doors/{door}/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut watch = Self { stream, seen: String::new() };
        watch.until("retry: 1000").await;
        watch
    }

    /// Reads on until this text has come.
    async fn until(&mut self, text: &str) {
        let reading = async {
            let mut bytes = [0; 1_024];
            while !self.seen.contains(text) {
                let length = self.stream.read(&mut bytes).await.unwrap();
                assert!(length > 0, "it ended: {}", self.seen);
                self.seen += &String::from_utf8_lossy(&bytes[..length]);
            }
        };
        timeout(PATIENCE, reading).await.expect("it comes in time");
    }
}

async fn open(fixture: &Fixture, who: &str, door: &str) {
    let ask = Ask::new("POST", &format!("/doors/{door}/open")).header("x-bongsu-principal", who);
    assert_eq!(ask.header("idempotency-key", door).of(fixture.addr).await.status, 202);
}

#[tokio::test]
async fn an_event_is_sent_when_it_is_committed_with_its_version_as_id() {
    let fixture = Fixture::open().await;
    let mut watch = Watch::at(fixture.addr, "front").await;
    assert!(watch.seen.contains("content-type: text/event-stream"), "{}", watch.seen);
    open(&fixture, "ann", "front").await;
    watch.until("id: 1\nevent: door-opened\ndata: {\"by\":\"ann\"}\n\n").await;
}

#[tokio::test]
async fn what_was_heard_is_not_sent_again() {
    let fixture = Fixture::open().await;
    open(&fixture, "janitor", "back").await;
    let all = Ask::get("/doors/back/events").header("last-event-id", "0").of(fixture.addr).await;
    assert!(String::from_utf8_lossy(&all.body).contains("id: 1\n"), "{all:?}");
    let rest = Ask::get("/doors/back/events").header("last-event-id", "1").of(fixture.addr).await;
    assert!(!String::from_utf8_lossy(&rest.body).contains("id:"), "{rest:?}");
    let rest = Ask::get("/doors/back/events?last-event-id=1").of(fixture.addr).await;
    assert!(!String::from_utf8_lossy(&rest.body).contains("id:"), "{rest:?}");
    let newer = Ask::get("/doors/back/events?last-event-id=0").header("last-event-id", "1").of(fixture.addr).await;
    assert!(!String::from_utf8_lossy(&newer.body).contains("id:"), "what the browser says itself is newer: {newer:?}");
}

#[tokio::test]
async fn an_id_that_was_never_sent_is_refused() {
    let fixture = Fixture::open().await;
    for bad in ["", "x", "-1", "+1", "1.0", "1", "99999999999999999999999"] {
        let got = Ask::get("/doors/front/events").header("last-event-id", bad).of(fixture.addr).await;
        got.problem(400, "bad-request");
        let got = Ask::get(&format!("/doors/front/events?last-event-id={bad}")).of(fixture.addr).await;
        got.problem(400, "bad-request");
    }
    let twice = Ask::get("/doors/front/events?last-event-id=0&last-event-id=0").of(fixture.addr).await;
    twice.problem(400, "bad-request");
}

#[tokio::test]
async fn one_stream_too_many_is_503_until_another_ends() {
    let fixture = Fixture::with(|config| config.limits.streams = 1).await;
    let watch = Watch::at(fixture.addr, "front").await;
    let refused = Ask::get("/doors/front/events").of(fixture.addr).await;
    refused.problem(503, "overloaded");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(Ask::get("/numbers/1").of(fixture.addr).await.status, 200, "requests have places of their own");
    drop(watch);
    let free = async {
        while Ask::get("/doors/front/events").header("last-event-id", "9").of(fixture.addr).await.status == 503 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, free).await.expect("its place is free again");
}

#[tokio::test]
async fn an_open_stream_outlives_the_request_timeout_and_ends_when_the_process_drains() {
    let fixture = Fixture::with(|config| {
        config.limits.request_timeout_ms = 50;
        config.shutdown.unready_ms = 0;
        config.shutdown.drain_ms = 60_000;
    })
    .await;
    let mut watch = Watch::at(fixture.addr, "front").await;
    // A request that takes too long shows that the time is over.
    assert_eq!(Ask::get("/gate").of(fixture.addr).await.status, 503);
    open(&fixture, "ann", "front").await;
    watch.until("id: 1\n").await;
    fixture.stop.ask("test");
    timeout(PATIENCE, fixture.served).await.expect("it does not wait for the stream").unwrap();
    let rest = read_all(&mut watch.stream).await;
    assert!(rest.ends_with(b"0\r\n\r\n"), "a whole end, not a broken one: {}", String::from_utf8_lossy(&rest));
}
