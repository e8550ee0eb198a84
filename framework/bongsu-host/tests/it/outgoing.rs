//! How activities reach the outside world.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bongsu_host::HyperClient;
use bongsu_runtime::ports::env::{HttpClient as _, HttpError, HttpRequest, HttpResponse};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::{client::PATIENCE, fixture::Fixture};

async fn send(url: String, deadline: Duration) -> Result<HttpResponse, HttpError> {
    send_by(&HyperClient::new(), url, deadline).await
}

async fn send_by(client: &HyperClient, url: String, deadline: Duration) -> Result<HttpResponse, HttpError> {
    let headers = vec![("x-bongsu-principal".to_owned(), "ann".to_owned())];
    client.send(HttpRequest { method: "GET", url, headers, body: Bytes::new(), deadline }).await
}

#[tokio::test]
async fn an_answer_is_an_answer_whatever_its_status() {
    let fixture = Fixture::open().await;
    let got = send(format!("http://{}/callers", fixture.addr), PATIENCE).await.unwrap();
    assert_eq!((got.status, &got.body[..]), (200, &b"ann"[..]));
    let got = send(format!("http://{}/fails", fixture.addr), PATIENCE).await.unwrap();
    assert_eq!(got.status, 500);
}

#[tokio::test]
async fn no_answer_by_the_deadline_nobody_there_and_no_address_are_errors() {
    let fixture = Fixture::open().await;
    let late = send(format!("http://{}/gate", fixture.addr), Duration::from_millis(50)).await;
    assert_eq!(late, Err(HttpError("no answer within 50 ms".to_owned())));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = send(format!("http://{nobody}/"), PATIENCE).await.unwrap_err();
    assert!(refused.0.contains("refused"), "{refused}");
    for wrong in ["https://127.0.0.1/", "nonsense", ""] {
        assert!(send(wrong.to_owned(), PATIENCE).await.is_err(), "{wrong}");
    }
}

/// Certificates of two authorities that nobody else believes, good for a hundred years, and what they signed with its key.
const OURS: &[u8] = include_bytes!("../tls/ours.pem");
const LOCALHOST_OF_OURS: &[u8] = include_bytes!("../tls/localhost-of-ours.pem");
const ELSEWHERE_OF_OURS: &[u8] = include_bytes!("../tls/elsewhere-of-ours.pem");
const LOCALHOST_OF_THEIRS: &[u8] = include_bytes!("../tls/localhost-of-theirs.pem");

/// A server that answers 200 to whoever comes over TLS, with this certificate.
#[expect(clippy::disallowed_methods, reason = "a bank is outside the process that Env describes")]
async fn bank(pem: &[u8]) -> SocketAddr {
    let (certificate, key) =
        (CertificateDer::from_pem_slice(pem).unwrap(), PrivateKeyDer::from_pem_slice(pem).unwrap());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who does not believe the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 1_024];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npaid").await.unwrap();
        }
    });
    addr
}

#[tokio::test]
async fn an_https_address_is_believed_by_its_certificate_alone() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), OURS).unwrap();
    let client = HyperClient::trusting(file.path()).unwrap();
    let url = async |pem| format!("https://localhost:{}/", bank(pem).await.port());
    let good = url(LOCALHOST_OF_OURS).await;
    let paid = send_by(&client, good.clone(), PATIENCE).await.unwrap();
    assert_eq!((paid.status, &paid.body[..]), (200, &b"paid"[..]));
    for (why, url, client) in [
        ("an authority nobody named", url(LOCALHOST_OF_THEIRS).await, &client),
        ("another name", url(ELSEWHERE_OF_OURS).await, &client),
        ("the machine's authorities alone", good, &HyperClient::new()),
    ] {
        let refused = send_by(client, url, PATIENCE).await.unwrap_err();
        assert!(refused.0.contains("certificate"), "{why}: {refused}");
    }
    let plain = Fixture::open().await;
    assert!(send_by(&client, format!("https://{}/callers", plain.addr), PATIENCE).await.is_err(), "it speaks no TLS");
}

#[test]
fn a_file_of_no_certificates_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let why = |path| HyperClient::trusting(path).unwrap_err().0;
    assert!(why(file.path()).ends_with("there is no certificate in it"));
    assert!(why(std::path::Path::new("/nowhere.pem")).starts_with("/nowhere.pem: "));
}
