//! How activities reach the outside world: a pooled HTTP/1.1 client.

use std::time::Duration;

use bongsu_runtime::ports::{
    Fut,
    env::{HttpClient, HttpError, HttpRequest, HttpResponse},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::logs::chain;

/// Largest answer read, in bytes; a longer one is an [`HttpError`].
const MAX_ANSWER: usize = 8 << 20;
/// A pooled connection idle for so long is closed: less than the [header timeout](crate::config::Limits) after
/// which a server of ours closes it, so that a request is not written into a connection just closing.
const IDLE: Duration = Duration::from_secs(4);

/// [`HttpClient`] on hyper with pooled connections. Plain `http` only: outside a laptop, TLS to the outside
/// world is the sidecar's.
#[derive(Clone, Debug)]
pub struct HyperClient {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl HyperClient {
    /// A client with an empty pool.
    pub fn new() -> Self {
        let client =
            Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).pool_timer(TokioTimer::new()).build_http();
        Self { client }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut outgoing = hyper::Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            outgoing = outgoing.header(name, value);
        }
        let outgoing = outgoing.body(Full::new(request.body)).map_err(failed)?;
        let answer = self.client.request(outgoing).await.map_err(failed)?;
        let status = answer.status().as_u16();
        let body =
            Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|why| HttpError(chain(&*why)))?;
        Ok(HttpResponse { status, body: body.to_bytes() })
    }
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
