//! The public side of a running system: TLS, paths that are rewritten, canaries, and what outlives a gateway.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::fixture::{Fixture, get, send, text};

const EDGE: &str = "
[broker]
start = false
[gateway]
listen = '127.0.0.1:0'
[gateway.config]
rewrite = [{ path = '/shop/*', to = '/doors/*' }]
headers = [{ path = '/*', answer = { add = { x-edge = 'here' } } }]
tls = { listen = '127.0.0.1:0' }
[[service]]
name = 'door'
command = 'FAKE'
routes = ['/doors/*', '/shop/*']
[[service]]
name = 'door-next'
command = 'FAKE'
canary = { of = 'door', header = 'x-door: next' }
";

fn edge() -> Fixture {
    let mut fixture = Fixture::new(EDGE);
    fixture.up();
    fixture
}

/// Asks over TLS as somebody who believes the authority that was made, and says which protocol was agreed upon.
fn over_tls(fixture: &Fixture, address: &str, path: &str) -> (Option<Vec<u8>>, String) {
    let mut roots = RootCertStore::empty();
    let authority = fixture.data().join("tls/authority.pem");
    roots.add(CertificateDer::from_pem_file(authority).expect("an authority")).expect("one to believe");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).expect("somebody listens"));
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it is answered");
    (stream.conn.alpn_protocol().map(<[u8]>::to_vec), text(&answer))
}

#[test]
fn tls_is_spoken_beside_with_a_certificate_that_is_made_and_said_whom_to_believe() {
    let mut fixture = edge();
    let said = fixture
        .until("it is said whom to believe", |fixture| Some(fixture.said()).filter(|said| said.contains("--cacert")));
    assert!(said.contains("or https://127.0.0.1:0, with HTTP/2") && said.contains("tls/authority.pem"), "{said}");
    let spoken = |fixture: &Fixture| {
        let logs = text(&fixture.bongsu(&["logs", "gateway"]).stdout);
        let line = logs.lines().rfind(|line| line.contains("TLS and HTTP/2 are spoken"))?.to_owned();
        Some(line.split("addr=").nth(1)?.split_whitespace().next()?.to_owned())
    };
    let address = fixture.until("its address is logged", spoken);
    let (protocol, answer) = over_tls(&fixture, &address, "/doors/7");
    assert_eq!(protocol.as_deref(), Some(&b"http/1.1"[..]));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-edge: here"), "{answer}");
    assert!(answer.contains("\"x-forwarded-proto\":\"https\""), "{answer}");
    // A killed gateway shows the same one.
    let before = std::fs::read(fixture.data().join("tls/certificate.pem")).expect("a certificate");
    assert!(fixture.bongsu(&["kill", "gateway"]).status.success());
    fixture.until_state("gateway", "ready");
    assert_eq!(spoken(&fixture), Some(address.clone()), "its sockets are the supervisor's");
    assert!(over_tls(&fixture, &address, "/doors/7").1.starts_with("HTTP/1.1 200"));
    assert_eq!(std::fs::read(fixture.data().join("tls/certificate.pem")).expect("a certificate"), before);
    assert!(fixture.bongsu(&["stop"]).status.success());
    fixture.wait();
}

#[test]
fn a_path_is_rewritten_and_a_canary_is_asked_by_whoever_says_so() {
    let fixture = edge();
    let url = fixture.url("gateway");
    let seen = get(&format!("{url}/shop/7?x=1")).expect("an answer").json();
    assert_eq!((&seen["target"], &seen["slot"]), (&"/doors/7?x=1".into(), &"door-1".into()));
    let seen = send(&format!("{url}/doors/7"), "GET", "x-door: next\r\n", "").expect("an answer").json();
    assert_eq!(seen["slot"], "door-next-1");
    let explained = fixture.bongsu(&["routes", "--explain", "GET", "/doors/7", "--header", "x-door: next"]);
    let explained = text(&explained.stdout);
    assert!(explained.contains("door-next stands in for door for whoever says x-door: next"), "{explained}");
    assert!(explained.contains("so it goes to door-next: that is said"), "{explained}");
    let garbage = fixture.bongsu(&["routes", "--explain", "GET", "/doors/7", "--header", "x door"]);
    assert_eq!(garbage.status.code(), Some(1));
    assert!(text(&garbage.stderr).contains("is no line: write NAME: VALUE"));
}

#[test]
fn what_an_operator_holds_is_held_by_the_gateway_that_is_started_after_a_kill() {
    let fixture = edge();
    let url = fixture.url("gateway");
    assert_eq!(get(&format!("{url}/doors/7")).expect("an answer").status, 200);
    assert!(fixture.bongsu(&["breakers", "door", "--force", "open"]).status.success());
    assert!(fixture.bongsu(&["kill", "gateway"]).status.success());
    // While it does not know its routes yet it says so.
    let refused = fixture.until("the next gateway knows its routes", |_| {
        get(&format!("{url}/doors/7")).filter(|answer| answer.json()["type"] != "/errors/unavailable")
    });
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.json()["type"], "/errors/circuit-open");
    assert!(fixture.bongsu(&["breakers", "door", "--force", "auto"]).status.success());
    assert_eq!(get(&format!("{url}/doors/7")).expect("an answer").status, 200);
    let operator = fixture.key("operator", "gateway");
    let metrics = send(&format!("{url}/bongsu/metrics"), "GET", &operator, "").expect("an answer");
    assert!(metrics.body.contains("bongsu_gateway_breaker_state{"), "{metrics:?}");
    assert_eq!(get(&format!("{url}/bongsu/metrics")).expect("an answer").status, 401);
}

#[test]
fn settings_that_cannot_be_meant_keep_the_gateway_from_starting_in_one_line() {
    for (config, why) in [
        ("rewrite = [{ path = '/x', to = 'y' }]", "'to' is a plain path"),
        ("headers = [{ path = '/x', request = { remove = ['cookie'] } }]", "is the gateway's to say"),
        ("cors = [{ path = '/x', origins = ['app'] }]", "is no origin"),
        ("compression = { encodings = ['deflate'] }", "some of \"br\", \"gzip\" and \"zstd\""),
        ("tls = { listen = '127.0.0.1:0', key = 'k' }", "'certificate' is not"),
        ("tls = { listen = '127.0.0.1:0', key = '/nowhere/k', certificate = '/nowhere/c' }", "cannot read /nowhere/c"),
        ("fallback = [{ path = '/x' }]", "one of 'last_good_s', 'to' and 'body'"),
        ("websocket_idle_s = 0", "from 1 to 86400"),
    ] {
        let mut fixture = Fixture::new(&format!(
            "[broker]\nstart = false\n[gateway]\nlisten = '127.0.0.1:0'\n[gateway.config]\n{config}\n"
        ));
        fixture.start();
        let said = fixture.until(config, |fixture| {
            let logs = text(&fixture.bongsu(&["logs", "gateway"]).stdout);
            logs.lines().find(|line| line.contains(why)).map(str::to_owned)
        });
        assert!(!said.is_empty());
    }
}
