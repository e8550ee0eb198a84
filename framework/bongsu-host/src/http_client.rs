//! How activities reach the outside world: a pooled HTTP/1.1 client.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bongsu_runtime::ports::{
    Fut,
    env::{HttpClient, HttpError, HttpRequest, HttpResponse},
};
use bytes::Bytes;
use http::Uri;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
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

use crate::{directory::Directory, logs::chain};

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
    /// Where names of this system lead.
    directory: Option<Directory>,
}

impl HyperClient {
    /// A client with an empty pool.
    pub fn new() -> Self {
        Self { plain: pool().build_http(), secure: Arc::default(), trusted: Arc::default(), directory: None }
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

    /// The same, for which `http://NAME/…` is any ready instance of that name, where the directory has it.
    #[must_use]
    pub fn among(self, directory: Option<Directory>) -> Self {
        Self { directory, ..self }
    }

    fn secure(&self) -> &Client<HttpsConnector<HttpConnector>, Full<Bytes>> {
        self.secure.get_or_init(|| {
            let connector = HttpsConnectorBuilder::new().with_tls_config(tls(&self.trusted)).https_only();
            pool().build(connector.enable_http1().build())
        })
    }

    /// Who is ready, if that is an address by name.
    fn ready(&self, uri: &Uri) -> Option<Vec<SocketAddr>> {
        self.directory.as_ref()?.ready(uri.host()?)
    }

    /// A connection that was refused carried nothing: the next one is asked.
    async fn any_of(
        &self,
        ready: Vec<SocketAddr>,
        request: &HttpRequest,
        uri: &Uri,
    ) -> Result<hyper::Response<Incoming>, HttpError> {
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let mut last = HttpError(format!("no instance of {} is ready", uri.host().unwrap_or_default()));
        for instance in ready {
            let at = format!("http://{instance}{target}").parse().map_err(failed)?;
            match self.plain.request(outgoing(request, at)?).await {
                Err(error) if error.is_connect() => last = failed(error),
                answered => return answered.map_err(failed),
            }
        }
        Err(last)
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let uri: Uri = request.url.parse().map_err(failed)?;
        let answer = match (uri.scheme_str(), self.ready(&uri)) {
            (Some("https"), _) => self.secure().request(outgoing(&request, uri)?).await.map_err(failed)?,
            (_, Some(ready)) => self.any_of(ready, &request, &uri).await?,
            _ => self.plain.request(outgoing(&request, uri)?).await.map_err(failed)?,
        };
        let status = answer.status().as_u16();
        let body =
            Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|why| HttpError(chain(&*why)))?;
        Ok(HttpResponse { status, body: body.to_bytes() })
    }
}

fn outgoing(request: &HttpRequest, uri: Uri) -> Result<hyper::Request<Full<Bytes>>, HttpError> {
    let mut outgoing = hyper::Request::builder().method(request.method).uri(uri);
    for (name, value) in &request.headers {
        outgoing = outgoing.header(name, value);
    }
    outgoing.body(Full::new(request.body.clone())).map_err(failed)
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
