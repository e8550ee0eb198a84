//! WebSockets through the gateway, with a client and a service of the crate `tungstenite`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, Request, StatusCode};
use bongsu_host::stop::Stop;
use futures::{SinkExt as _, StreamExt as _};
use gateway::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use crate::browser::{Browser, ORIGIN, Town};
use crate::sessions::WELL;
use crate::street::{Act, Street};

const SOON: Duration = Duration::from_secs(5);

type Heads = Arc<Mutex<Vec<HeaderMap>>>;

/// A service that says everything again, and what it was asked with.
async fn echo(street: &mut Street) -> Heads {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let heads = Heads::default();
    let seen = heads.clone();
    street.beside(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let seen = seen.clone();
            open.spawn(async move {
                #[expect(clippy::result_large_err, reason = "the library's own error")]
                let note = |request: &Request<()>, answer| {
                    seen.lock().unwrap().push(request.headers().clone());
                    Ok(answer)
                };
                let Ok(mut socket) = accept_hdr_async(stream, note).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    street.route_to(vec![upstream]);
    heads
}

async fn connect(at: SocketAddr, path: &str, lines: &[(&str, &str)]) -> Result<WebSocketStream<TcpStream>, Error> {
    let mut request = Request::get(format!("ws://{at}{path}"))
        .header("host", at.to_string())
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", generate_key());
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let stream = TcpStream::connect(at).await.unwrap();
    client_async(request.body(()).unwrap(), stream).await.map(|(socket, _)| socket)
}

async fn is_echoed(socket: &mut WebSocketStream<TcpStream>, message: Message) {
    socket.send(message.clone()).await.unwrap();
    assert_eq!(timeout(SOON, socket.next()).await.unwrap().unwrap().unwrap(), message);
}

async fn refused(at: SocketAddr, path: &str, lines: &[(&str, &str)]) -> u16 {
    match connect(at, path, lines).await {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

/// How it was closed, and when.
async fn closed(socket: &mut WebSocketStream<TcpStream>) -> (Option<CloseFrame>, Instant) {
    loop {
        match timeout(3 * SOON, socket.next()).await.expect("it is closed") {
            Some(Ok(Message::Close(why))) => return (why, Instant::now()),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn because(code: CloseCode, reason: &str) -> Option<CloseFrame> {
    Some(CloseFrame { code, reason: reason.to_owned().into() })
}

fn cookie(browser: &Browser) -> String {
    format!("__Host-session={}", browser.cookies["__Host-session"])
}

#[tokio::test]
async fn what_is_said_is_carried_both_ways_until_one_side_closes() {
    let mut street = Street::without_breakers();
    let heads = echo(&mut street).await;
    let at = street.open().await;
    let lines = [("sec-websocket-protocol", "chat"), ("x-bongsu-principal", "usr_ann"), ("x-forwarded-for", "1.1.1.1")];
    let mut socket = connect(at, "/bell?x=1", &lines[1..]).await.unwrap();
    is_echoed(&mut socket, Message::text("딩동")).await;
    is_echoed(&mut socket, Message::binary(vec![7; 1 << 20])).await;
    is_echoed(&mut socket, Message::binary(Vec::new())).await;
    socket.send(Message::Ping(vec![1].into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(vec![1].into()));
    let bye = because(CloseCode::Normal, "bye");
    socket.close(bye.clone()).await.unwrap();
    assert_eq!(closed(&mut socket).await.0, bye, "the service closes it as it was asked to");
    let heads = heads.lock().unwrap();
    assert_eq!(heads[0]["x-bongsu-principal"], "demo", "it passed the filters");
    assert_eq!(
        (&heads[0]["x-forwarded-for"], &heads[0]["upgrade"]),
        (&"127.0.0.1".parse().unwrap(), &"websocket".parse().unwrap())
    );
    assert!(heads[0].contains_key("traceparent"));
}

#[tokio::test]
async fn who_may_not_ask_opens_none_and_nobodys_page_does_in_anybodys_name() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| sessions).await;
    let heads = echo(&mut street).await;
    let at = street.open().await;
    assert_eq!(refused(at, "/x", &[]).await, 401);
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    let cookie = cookie(&browser);
    let own = format!("http://{at}");
    let with = ("cookie", cookie.as_str());
    assert_eq!(refused(at, "/x", &[with]).await, 403, "a browser says where its page is from");
    for origin in ["https://evil.example", "null", &format!("{own}.evil.example")] {
        assert_eq!(refused(at, "/x", &[with, ("origin", origin)]).await, 403, "{origin}");
        let visitor = [("cookie", "__Host-visitor=x"), ("origin", origin)];
        assert_eq!(refused(at, "/open/x", &visitor).await, 403, "{origin}");
    }
    assert_eq!(refused(at, "/keep/x", &[with, ("origin", &own)]).await, 403);
    assert!(heads.lock().unwrap().is_empty(), "no service was asked");
    let mut socket = connect(at, "/x", &[with, ("origin", &own)]).await.unwrap();
    is_echoed(&mut socket, Message::text("x")).await;
    let bearer = format!("Bearer {}", town.provider.access());
    let mut program =
        connect(at, "/x", &[("authorization", &bearer), ("origin", "https://app.example")]).await.unwrap();
    is_echoed(&mut program, Message::text("x")).await;
    let heads = heads.lock().unwrap();
    assert!(heads.iter().all(|head| !head.contains_key("cookie") && !head.contains_key("authorization")));
}

#[tokio::test]
async fn one_is_closed_with_the_session_it_was_opened_in() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| sessions).await;
    echo(&mut street).await;
    let at = street.open().await;
    let (mut browser, mut other) = (Browser::new(), Browser::new());
    browser.log_in(&street, &town, "/").await;
    other.log_in(&street, &town, "/").await;
    let own = format!("http://{at}");
    let mut socket = connect(at, "/x", &[("cookie", &cookie(&browser)), ("origin", &own)]).await.unwrap();
    let mut stays = connect(at, "/x", &[("cookie", &cookie(&other)), ("origin", &own)]).await.unwrap();
    let mut guest = connect(at, "/open/x", &[]).await.unwrap();
    is_echoed(&mut socket, Message::text("x")).await;
    let logged_out = Instant::now();
    browser.ask(&street, "POST", "/logout", &[("origin", ORIGIN)]).await;
    let (why, at_last) = closed(&mut socket).await;
    assert_eq!(why, because(CloseCode::Policy, "session-ended"));
    assert!(at_last - logged_out < SOON);
    town.provider.mood().is_locked = true;
    let locked = Instant::now();
    let (why, at_last) = closed(&mut stays).await;
    assert_eq!(why, because(CloseCode::Policy, "session-ended"));
    assert!(at_last - locked < SOON);
    is_echoed(&mut guest, Message::text("still here")).await;
}

#[tokio::test]
async fn a_silent_one_is_closed_and_one_that_says_something_is_not() {
    let mut street = Street::set(Settings { websocket_idle_s: 1, ..Settings::default() });
    echo(&mut street).await;
    let at = street.open().await;
    let (mut silent, mut busy) = (connect(at, "/x", &[]).await.unwrap(), connect(at, "/x", &[]).await.unwrap());
    let talk = async {
        for _ in 0..20 {
            sleep(Duration::from_millis(100)).await;
            busy.send(Message::Ping(Vec::new().into())).await.unwrap();
        }
        is_echoed_among_pongs(&mut busy).await;
    };
    let ((why, _), ()) = tokio::join!(closed(&mut silent), talk);
    assert_eq!(why, because(CloseCode::Away, "idle"));
}

async fn is_echoed_among_pongs(socket: &mut WebSocketStream<TcpStream>) {
    socket.send(Message::text("here")).await.unwrap();
    while let Some(Ok(message)) = timeout(SOON, socket.next()).await.unwrap() {
        if message == Message::text("here") {
            return;
        }
    }
    panic!("it was closed");
}

#[tokio::test]
async fn they_are_counted_among_streams_and_closed_when_the_gateway_drains() {
    let mut settings = Settings::default();
    (settings.limits.streams, settings.limits.concurrency) = (2, 1);
    let mut street = Street::set(settings);
    echo(&mut street).await;
    let stop = Stop::new();
    let at = street.open_until(stop.clone()).await;
    let mut first = connect(at, "/x", &[]).await.unwrap();
    let mut second = connect(at, "/x", &[]).await.unwrap();
    is_echoed(&mut first, Message::text("not among the requests in work")).await;
    assert_eq!(refused(at, "/x", &[]).await, 503);
    first.close(None).await.unwrap();
    closed(&mut first).await;
    // It keeps its connection, and is waited for no longer than a moment.
    let began = Instant::now();
    let mut third = loop {
        match connect(at, "/x", &[]).await {
            Ok(socket) => break socket,
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    };
    assert!(began.elapsed() < SOON);
    stop.ask("a test");
    for socket in [&mut second, &mut third] {
        assert_eq!(closed(socket).await.0, because(CloseCode::Away, "restarting"));
    }
}

/// What comes back for these bytes, to its end.
async fn raw(at: SocketAddr, lines: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET /x HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = vec![0; 4_096];
    let read = timeout(SOON, stream.read(&mut all)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&all[..read]).into_owned()
}

const SWITCHES: &[Act] =
    &[Act::Say("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")];
const SWITCHES_ELSEWHERE: &[Act] =
    &[Act::Say("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")];

#[tokio::test]
async fn nothing_else_is_changed_to() {
    let mut street = Street::without_breakers();
    let (upstream, seen) = street.raw(WELL).await;
    street.route_to(vec![upstream]);
    let at = street.open().await;
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    for lines in [
        "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA",
        &format!("connection: upgrade\r\nupgrade: TLS/1.0\r\n{key}"),
        &format!("connection: keep-alive\r\nupgrade: websocket\r\n{key}"),
        "connection: upgrade\r\nupgrade: websocket",
        &format!("connection: upgrade\r\nupgrade: websocket2\r\n{key}"),
    ] {
        assert!(raw(at, lines).await.starts_with("HTTP/1.1 200"), "{lines}");
    }
    assert!(seen.lock().unwrap().iter().all(|head| !head.to_lowercase().contains("\r\nupgrade:")), "{seen:?}");
    // A service that does not speak it says so itself.
    assert_eq!(refused(at, "/x", &[]).await, StatusCode::OK.as_u16());
}

#[tokio::test]
async fn a_service_that_changes_to_what_nobody_asked_for_is_understood_by_nobody() {
    let (key, asks) = ("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", "connection: upgrade\r\nupgrade: websocket");
    for (acts, lines) in [(SWITCHES, "x: y".to_owned()), (SWITCHES_ELSEWHERE, format!("{asks}\r\n{key}"))] {
        let mut street = Street::without_breakers();
        let (upstream, _) = street.raw(acts).await;
        street.route_to(vec![upstream]);
        let at = street.open().await;
        let answer = raw(at, &lines).await;
        assert!(answer.starts_with("HTTP/1.1 502") && answer.contains("upstream-garbage"), "{answer}");
    }
}
