//! How activities reach the outside world: a pooled HTTP/1.1 client.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bongsu_runtime::ports::{
    Fut,
    env::{HttpClient, HttpError, HttpRequest, HttpResponse},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Builder, Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::logs::chain;

/// Largest answer read, in bytes; a longer one is an [`HttpError`].
const MAX_ANSWER: usize = 8 << 20;
/// A pooled connection idle for so long is closed: less than the [header timeout](crate::config::Limits) after
/// which a server of ours closes it, so that a request is not written into a connection just closing.
const IDLE: Duration = Duration::from_secs(4);

/// [`HttpClient`] on hyper with pooled connections, for `http` and `https`. Whom it believes over TLS is said by the
/// machine's root certificates, or by the file `SSL_CERT_FILE` names, and by the file it is made [with](Self::trusting).
#[derive(Clone, Debug)]
pub struct HyperClient {
    plain: Client<HttpConnector, Full<Bytes>>,
    /// Made when it is first needed: it reads the machine's certificates, and most processes never ask an `https` address.
    secure: Arc<OnceLock<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>>,
    trusted: Arc<[CertificateDer<'static>]>,
}

impl HyperClient {
    /// A client with an empty pool.
    pub fn new() -> Self {
        Self { plain: pool().build_http(), secure: Arc::default(), trusted: Arc::default() }
    }

    /// A client that also believes the certificates in a PEM file, as of a private authority.
    ///
    /// # Errors
    /// One line for a file that cannot be read or holds no certificate.
    pub fn trusting(file: &Path) -> Result<Self, HttpError> {
        let bad = |why: String| HttpError(format!("{}: {why}", file.display()));
        let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
        let trusted = read.map_err(|why| bad(why.to_string()))?;
        if trusted.is_empty() {
            return Err(bad("there is no certificate in it".to_owned()));
        }
        Ok(Self { trusted: trusted.into(), ..Self::new() })
    }

    fn secure(&self) -> &Client<HttpsConnector<HttpConnector>, Full<Bytes>> {
        self.secure.get_or_init(|| {
            let connector = HttpsConnectorBuilder::new().with_tls_config(tls(&self.trusted)).https_only();
            pool().build(connector.enable_http1().build())
        })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut outgoing = hyper::Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            outgoing = outgoing.header(name, value);
        }
        let outgoing = outgoing.body(Full::new(request.body)).map_err(failed)?;
        let answer = match outgoing.uri().scheme_str() {
            Some("https") => self.secure().request(outgoing).await,
            _ => self.plain.request(outgoing).await,
        };
        let answer = answer.map_err(failed)?;
        let status = answer.status().as_u16();
        let body =
            Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|why| HttpError(chain(&*why)))?;
        Ok(HttpResponse { status, body: body.to_bytes() })
    }
}

/// Connections that are given up before a server of ours closes them.
fn pool() -> Builder {
    let mut pool = Client::builder(TokioExecutor::new());
    pool.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new());
    pool
}

/// TLS 1.2 and 1.3, with whom to believe.
fn tls(trusted: &[CertificateDer<'static>]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    // A certificate of the machine that cannot be read is one less to believe.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(trusted.iter().cloned());
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

impl Default for HyperClient {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpClient for HyperClient {
    fn send(&self, request: HttpRequest) -> Fut<'_, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let deadline = request.deadline;
            match tokio::time::timeout(deadline, self.exchange(request)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(HttpError(format!("no answer within {} ms", deadline.as_millis()))),
            }
        })
    }
}

/// The whole chain: hyper's outermost message alone says only "client error (Connect)".
fn failed(error: impl std::error::Error + 'static) -> HttpError {
    HttpError(chain(&error))
}
