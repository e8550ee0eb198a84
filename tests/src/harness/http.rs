//! A client that waits: one request, one answer, a connection each, because what it talks to is killed.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Request, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// The gateway answers, if only with a problem, long before.
const LIMIT: Duration = Duration::from_secs(40);

/// The client.
pub struct Http {
    runtime: tokio::runtime::Runtime,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Http {
    /// A client of its own.
    #[expect(clippy::new_without_default, reason = "it starts a runtime")]
    pub fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { runtime, client }
    }

    /// Waits for a future. May be called from many threads, never from async code.
    pub fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// One request, with an `Idempotency-Key` and a JSON body if given.
    ///
    /// # Errors
    /// Why there was no answer.
    pub fn ask(&self, method: &str, url: &str, key: Option<&str>, body: Option<&Value>) -> Result<Response, String> {
        self.send(method, url, key, body.map_or_else(Vec::new, |body| body.to_string().into_bytes()))
    }

    /// As [`ask`](Self::ask), with a body that may be anything.
    ///
    /// # Errors
    /// Why there was no answer.
    pub fn send(&self, method: &str, url: &str, key: Option<&str>, body: Vec<u8>) -> Result<Response, String> {
        let mut request = Request::builder().method(method).uri(url);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        self.answer(request.body(Full::from(body)).map_err(|error| error.to_string())?)
    }

    /// One request with these headers and no other.
    ///
    /// # Errors
    /// Why there was no answer.
    pub fn request(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response, String> {
        let request = Request::builder().method(method).uri(url);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.answer(request.body(Full::from(body)).map_err(|error| error.to_string())?)
    }

    /// One request with a bearer, and a JSON body if given.
    ///
    /// # Errors
    /// Why there was no answer.
    pub fn ask_as(&self, bearer: &str, method: &str, url: &str, body: Option<&Value>) -> Result<Response, String> {
        let bearer = format!("Bearer {bearer}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.request(method, url, &headers, body.map_or_else(Vec::new, |body| body.to_string().into_bytes()))
    }

    fn answer(&self, request: Request<Full<Bytes>>) -> Result<Response, String> {
        let asked = async {
            let (parts, body) = self.client.request(request).await.map_err(|error| format!("{error:?}"))?.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body })
        };
        let in_time = async { tokio::time::timeout(LIMIT, asked).await };
        self.wait_for(in_time).unwrap_or_else(|_| Err(format!("no answer within {LIMIT:?}")))
    }
}

impl Response {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same answer, if it has that status.
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
