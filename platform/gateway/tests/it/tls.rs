//! TLS and HTTP/2 on the public side, with clients of the crates `rustls` and `hyper`, and with bytes that are neither.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, Version};
use axum::response::IntoResponse as _;
use gateway::{Certificate, Settings, Tls};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::browser::{Browser, Town};
use crate::shaping::serving;
use crate::street::{Response, Street};

const SOON: Duration = Duration::from_secs(5);

/// A certificate that was made, and where.
pub(crate) struct Made {
    folder: TempDir,
}

impl Made {
    pub(crate) fn new() -> (Self, Certificate) {
        let folder = tempfile::tempdir().unwrap();
        let certificate = Certificate::open(&tls(None), folder.path()).unwrap();
        (Self { folder }, certificate)
    }

    /// Agrees upon TLS with whoever is there.
    pub(crate) async fn connect(&self, at: SocketAddr, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.folder.path().join("authority.pem")).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(at).await?).await
    }
}

fn tls(files: Option<&Path>) -> Tls {
    let file = |name: &str| files.map(|folder| folder.join(name));
    Tls {
        listen: ([127, 0, 0, 1], 0).into(),
        certificate: file("certificate.pem"),
        key: file("key.pem"),
        names: vec![],
    }
}

/// Asks by one of both protocols.
pub(crate) async fn ask(made: &Made, at: SocketAddr, version: Version, request: Request<Body>) -> Response {
    let (mut tasks, is_2) = (JoinSet::new(), version == Version::HTTP_2);
    let stream = made.connect(at, &[if is_2 { b"h2" } else { b"http/1.1" }]).await.unwrap();
    let answer = if is_2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tasks.spawn(async move { drop(connection.await) });
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tasks.spawn(async move { drop(connection.await) });
        sender.send_request(request).await.unwrap()
    };
    assert_eq!(answer.version(), version);
    let (head, body) = answer.into_parts();
    let body = to_bytes(Body::new(body), 1 << 20).await.unwrap();
    Response { status: head.status, headers: head.headers, body: String::from_utf8_lossy(&body).into_owned() }
}

/// As each protocol writes it.
pub(crate) fn request(version: Version, method: &str, path: &str, lines: &[(&str, &str)]) -> Request<Body> {
    let is_2 = version == Version::HTTP_2;
    let target = if is_2 { format!("https://localhost{path}") } else { path.to_owned() };
    let mut request = Request::builder().method(method).uri(target);
    if !is_2 {
        request = request.header("host", "localhost");
    }
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

async fn says(headers: HeaderMap) -> axum::response::Response {
    let lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?"))).collect();
    (StatusCode::OK, lines.join("\n")).into_response()
}

#[tokio::test]
async fn a_session_is_who_it_is_over_both_protocols() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| sessions).await;
    serving(&mut street, Router::new().fallback(says)).await;
    let (made, certificate) = Made::new();
    let at = street.open_tls(certificate).await;
    let mut browser = Browser::new();
    browser.log_in(&street, &town, "/").await;
    let session = format!("__Host-session={}", browser.cookies["__Host-session"]);
    for version in [Version::HTTP_11, Version::HTTP_2] {
        assert_eq!(ask(&made, at, version, request(version, "GET", "/x", &[])).await.status, 401);
        // HTTP/2 may send a line for every cookie.
        let lines = [("cookie", "theme=dark"), ("cookie", session.as_str()), ("cookie", "a=b")];
        let answer = ask(&made, at, version, request(version, "GET", "/x", &lines)).await;
        assert_eq!(answer.status, StatusCode::OK, "{version:?}: {}", answer.body);
        assert!(
            answer.body.contains("x-forwarded-proto: https") && answer.body.contains("x-forwarded-host: localhost")
        );
        assert!(answer.body.contains("x-bongsu-principal: ey") && !answer.body.contains("__Host-"), "{}", answer.body);
        let from = |origin| [("cookie", session.as_str()), ("origin", origin)];
        let post = async |origin| ask(&made, at, version, request(version, "POST", "/x", &from(origin))).await.status;
        assert_eq!(
            (post("https://localhost").await, post("https://evil.example").await),
            (StatusCode::OK, StatusCode::FORBIDDEN)
        );
    }
}

#[tokio::test]
async fn a_visitor_is_known_again_over_both_protocols() {
    let town = Town::new().await;
    let mut street = town.street(|sessions| sessions).await;
    serving(&mut street, Router::new().fallback(says)).await;
    let (made, certificate) = Made::new();
    let at = street.open_tls(certificate).await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let visitor = ask(&made, at, version, request(version, "GET", "/bell/x", &[])).await;
        let set = visitor.headers["set-cookie"].to_str().unwrap();
        assert!(set.starts_with("__Host-visitor=") && set.contains("; Secure") && set.contains("; Path=/"), "{set}");
        let known = set.split(';').next().unwrap();
        let again = ask(&made, at, version, request(version, "GET", "/bell/x", &[("cookie", known)])).await;
        assert_eq!((again.status, again.headers.get("set-cookie")), (StatusCode::OK, None), "he is known again");
    }
}

#[tokio::test]
async fn what_is_spoken_is_agreed_upon() {
    let mut street = Street::without_breakers();
    serving(&mut street, Router::new().fallback(says)).await;
    let (made, certificate) = Made::new();
    let at = street.open_tls(certificate).await;
    let agreed = async |protocols: &[&[u8]]| {
        let stream = made.connect(at, protocols).await?;
        Ok::<_, std::io::Error>(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
    };
    assert_eq!(agreed(&[b"http/1.1", b"h2"]).await.unwrap().as_deref(), Some(&b"h2"[..]), "the best that both know");
    assert_eq!(agreed(&[b"http/1.1"]).await.unwrap().as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(agreed(&[]).await.unwrap(), None);
    assert!(agreed(&[b"spdy/3"]).await.is_err());
    // Two names of whom it is for, and none that was given out.
    let version = Version::HTTP_2;
    let two = ask(&made, at, version, request(version, "GET", "/x", &[("host", "127.0.0.1")])).await;
    assert_eq!(two.status, StatusCode::BAD_REQUEST, "{}", two.body);
    let mut foreign = request(version, "GET", "/x", &[]);
    *foreign.uri_mut() = "https://evil.example/x".parse().unwrap();
    assert_eq!(ask(&made, at, version, foreign).await.status, StatusCode::MISDIRECTED_REQUEST);
    // HTTP/2 without TLS is not spoken.
    let plain = street.open().await;
    for (at, bytes) in [
        (plain, PREFACE_TEXT.to_vec()),
        (at, PREFACE_TEXT.to_vec()),
        (at, b"GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec()),
        (at, vec![0x16; 4_096]),
    ] {
        let heard = said(TcpStream::connect(at).await.unwrap(), &bytes).await;
        assert!(!heard.windows(4).any(|four| four == b" 200"), "{}", String::from_utf8_lossy(&heard));
        assert!(heard.first() != Some(&0), "no frame of HTTP/2 comes back");
    }
}

/// Writes that and hears the rest, to its end or for a while.
async fn said(mut stream: impl AsyncIo, bytes: &[u8]) -> Vec<u8> {
    // Whoever is hung up on in the midst need not have written all of it.
    drop(timeout(SOON, stream.write_all(bytes)).await);
    let mut heard = Vec::new();
    drop(timeout(SOON, stream.read_to_end(&mut heard)).await);
    heard
}

trait AsyncIo: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> AsyncIo for T {}

#[tokio::test]
async fn whoever_is_slow_to_shake_hands_or_to_ask_is_let_go_and_holds_up_nobody() {
    let mut street = Street::without_breakers();
    serving(&mut street, Router::new().fallback(says)).await;
    let (made, certificate) = Made::new();
    let at = street.open_tls(certificate).await;
    let mut slow = Vec::new();
    for bytes in [&[][..], &[0x16, 3, 1], &[0x16, 3, 1, 2, 0, 1]] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(at).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            slow.push(stream);
        }
    }
    let mut silent = made.connect(at, &[b"h2"]).await.unwrap();
    let began = Instant::now();
    for version in [Version::HTTP_11, Version::HTTP_2] {
        assert_eq!(ask(&made, at, version, request(version, "GET", "/x", &[])).await.status, StatusCode::OK);
    }
    for mut stream in slow {
        let mut rest = Vec::new();
        drop(timeout(SOON, stream.read_to_end(&mut rest)).await.expect("it is let go"));
    }
    let mut rest = Vec::new();
    drop(timeout(SOON, silent.read_to_end(&mut rest)).await.expect("also one that agreed and then asks nothing"));
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

const PREFACE_TEXT: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// One frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// GET https://localhost/ (RFC 7541, appendix A, and one literal).
fn get() -> Vec<u8> {
    [&[0x82, 0x87, 0x84, 0x41, 9][..], b"localhost"].concat()
}

/// The error code of a GOAWAY that came, if one did.
fn goaway(heard: &[u8]) -> Option<u32> {
    let mut rest = heard;
    while let [a, b, c, kind, _, _, _, _, _, after @ ..] = rest {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let payload = after.get(..length)?;
        if *kind == 7 {
            return Some(u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?));
        }
        rest = &after[length..];
    }
    None
}

#[tokio::test]
async fn floods_of_http2_end_their_own_connection_and_no_other() {
    const ENHANCE_YOUR_CALM: u32 = 11;
    let mut street = Street::without_breakers();
    serving(&mut street, Router::new().fallback(says)).await;
    let (made, certificate) = Made::new();
    let at = street.open_tls(certificate).await;
    let hello = [PREFACE_TEXT, &frame(4, 0, 0, &[])].concat();
    let resets: Vec<u8> = (0..5_000_u32)
        .flat_map(|number| [frame(1, 5, 2 * number + 1, &get()), frame(3, 0, 2 * number + 1, &[0, 0, 0, 8])].concat())
        .collect();
    let mut endless = frame(1, 1, 1, &get());
    (0..2_000).for_each(|_| endless.extend(frame(9, 0, 1, &[0x40, 1, b'a', 1, b'b'].repeat(200))));
    let bombs = [
        ("streams that are reset at once", resets),
        ("a head that never ends", endless),
        ("a frame that is larger than any", frame(0, 0, 1, &vec![0; 1 << 20])),
        ("a frame of no kind on a stream that is none", frame(0, 0, 4, &[1, 2, 3])),
        ("settings that are none", frame(4, 0, 0, &[1])),
        ("a window that overflows", frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]).repeat(3)),
        ("a head that is none", frame(1, 5, 1, &[0xff; 64])),
    ];
    for (what, bytes) in bombs {
        let stream = made.connect(at, &[b"h2"]).await.unwrap();
        let began = Instant::now();
        let heard = said(stream, &[&hello[..], &bytes].concat()).await;
        assert!(began.elapsed() < SOON, "{what}: it is hung up");
        if what.contains("reset at once") {
            assert_eq!(goaway(&heard), Some(ENHANCE_YOUR_CALM), "{what}");
        }
        let version = Version::HTTP_2;
        assert_eq!(ask(&made, at, version, request(version, "GET", "/x", &[])).await.status, StatusCode::OK, "{what}");
    }
}

#[tokio::test]
async fn a_connection_takes_so_many_requests_at_once_and_a_head_has_an_end() {
    let mut street = Street::set(Settings { breaker: None, ..Settings::default() });
    let slow = async || {
        sleep(Duration::from_millis(500)).await;
        "slow"
    };
    serving(&mut street, Router::new().fallback(slow)).await;
    let (made, certificate) = Made::new();
    let at = street.open_tls(certificate).await;
    let stream = made.connect(at, &[b"h2"]).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { drop(connection.await) });
    let version = Version::HTTP_2;
    let began = Instant::now();
    let all = (0..200).map(|_| {
        let mut sender = sender.clone();
        async move {
            sender.ready().await.unwrap();
            sender.send_request(request(version, "GET", "/x", &[])).await.unwrap().status()
        }
    });
    let statuses = futures::future::join_all(all).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK), "{statuses:?}");
    assert!(began.elapsed() >= Duration::from_secs(1), "200 of 500 ms in two rounds: {:?}", began.elapsed());
    let long = "a".repeat(17_000);
    let answer = ask(&made, at, version, request(version, "GET", "/x", &[("x-long", &long)])).await;
    assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert!(answer.body.contains("/errors/headers-too-large"), "{}", answer.body);
    let many: Vec<(String, String)> = (0..101).map(|number| (format!("x-{number}"), "1".into())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = ask(&made, at, version, request(version, "GET", "/x", &many)).await;
    assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn another_certificate_is_shown_when_its_files_change_and_a_broken_one_never() {
    let mut street = Street::without_breakers();
    serving(&mut street, Router::new().fallback(says)).await;
    let ((first, _), (second, _)) = (Made::new(), Made::new());
    let files = tempfile::tempdir().unwrap();
    let put = |made: &Made, name: &str| {
        fs::copy(made.folder.path().join(name), files.path().join(name)).unwrap();
    };
    put(&first, "certificate.pem");
    put(&first, "key.pem");
    let certificate = Certificate::open(&tls(Some(files.path())), Path::new("/nowhere")).unwrap();
    assert_eq!(certificate.authority(), None);
    let at = street.open_tls(certificate).await;
    let open = first.connect(at, &[b"h2"]).await.unwrap();
    assert!(second.connect(at, &[]).await.is_err(), "of an authority that is not believed");
    // Half of it, and garbage: the last good one stays.
    put(&second, "certificate.pem");
    sleep(Duration::from_millis(2_500)).await;
    assert!(first.connect(at, &[]).await.is_ok());
    fs::write(files.path().join("certificate.pem"), "garbage").unwrap();
    sleep(Duration::from_millis(1_500)).await;
    assert!(first.connect(at, &[]).await.is_ok());
    put(&second, "certificate.pem");
    put(&second, "key.pem");
    let began = Instant::now();
    while second.connect(at, &[]).await.is_err() {
        assert!(began.elapsed() < SOON, "it is never shown");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(first.connect(at, &[]).await.is_err());
    drop(open);
}
